import re

import pytest

from monai_das.metrics import evaluate_predictions, group_numbers, read_predictions


def written(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_line_is_name_probabilities_and_label(tmp_path):
    found = read_predictions(written(tmp_path / "p.csv", "a,0.25,0.75,1.0", "b,0.5,0.5,0.0"))

    assert found.names == ["a", "b"]
    assert found.probabilities.tolist() == [[0.25, 0.75], [0.5, 0.5]]
    assert found.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    "line", ["", "case,0.5", "case,a,b,0", "case,0.5,0.5,2", "case,0.5,0.5,0.5", "case,0.5,0.5,nan", "case,1.0,0"]
)
def test_a_strange_line_says_what_it_must_be(line, tmp_path):
    file = written(tmp_path / "other.csv", line)

    with pytest.raises(ValueError, match=r"other\.csv: every line must be name, p0, p1, \.\.\., label, as evaluate"):
        read_predictions(file)


@pytest.mark.parametrize("line", ["case,2.0,-1.0,0", "case,0.5,0.6,0", "case,nan,nan,0", "case,inf,-inf,0"])
def test_logits_are_no_probabilities(line, tmp_path):
    file = written(tmp_path / "logits.csv", line)

    with pytest.raises(ValueError, match=r"logits\.csv: probabilities must sum to 1, got .* for 'case'; apply a soft"):
        read_predictions(file)


def test_a_case_has_one_line(tmp_path):
    file = written(tmp_path / "twice.csv", "a,0.5,0.5,0", "b,0.5,0.5,1", "b,0.5,0.5,0")

    with pytest.raises(ValueError, match=r"twice\.csv: has several lines for 'b', which would count as several cases"):
        read_predictions(file)


def test_files_of_different_classes_are_not_taken_together(tmp_path):
    two = written(tmp_path / "two.csv", "a,0.5,0.5,0", "b,0.5,0.5,1")
    three = written(tmp_path / "three.csv", "a,0.5,0.5,0.0,0")

    with pytest.raises(ValueError, match=r"three\.csv: has 3 classes, .*two\.csv has 2; evaluate them one by one"):
        evaluate_predictions([two, three], draws=5)


def test_what_stands_in_brackets_is_the_group():
    assert group_numbers(["b_1", "a_1", "b_2"], "^([ab])_") == [1, 0, 1]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "'(' is no regular expression"),
        ("patient", "'patient' must have one part in brackets, as '^(patient_[0-9]+)_', it has 0"),
        ("(case)", "the name 'patient_0' does not hold '(case)'; correct one of them"),
        ("^(patient_0)?", "the name 'patient_1' does not hold '^(patient_0)?'; correct one of them"),
        ("(x*)", "the name 'patient_0' does not hold '(x*)'; correct one of them"),
        ("^(patient)_", "'^(patient)_' finds the group 'patient' in all 2 names, and intervals need several groups"),
    ],
)
def test_a_wrong_pattern_of_groups(pattern, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        group_numbers(["patient_0", "patient_1"], pattern)
