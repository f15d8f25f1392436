import json

import pytest
import torch
from benchmarks.interval import auc, bootstrap
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from monai_das.cli import main


@pytest.fixture
def predictions():
    labels = torch.arange(60) % 3 // 2
    scores = torch.rand(60) * 0.7 + 0.3 * labels
    return torch.stack((1.0 - scores, scores), dim=1), labels


def test_auc_of_two_and_of_three_classes_is_that_of_scikit_learn(predictions):
    probabilities, labels = predictions
    three = torch.softmax(torch.rand(60, 3), dim=1)
    classes = torch.arange(60) % 3

    assert auc(probabilities, labels) == pytest.approx(roc_auc_score(labels, probabilities[:, 1]))
    assert auc(three, classes) == pytest.approx(roc_auc_score(classes, three, multi_class="ovr"), abs=1e-6)


def test_the_interval_holds_the_auc_and_narrows_with_more_cases(predictions):
    probabilities, labels = predictions

    low, high = bootstrap(probabilities, labels, draws=100)
    near, far = bootstrap(probabilities.repeat(9, 1), labels.repeat(9), draws=100)

    assert low < auc(probabilities, labels) < high
    assert far - near < 0.6 * (high - low)


def test_the_command_reads_what_evaluate_writes(predictions, tmp_path, capsys):
    probabilities, labels = predictions
    file = tmp_path / "predictions.csv"
    rows = zip(probabilities.tolist(), labels.tolist(), strict=True)
    file.write_text("".join(f"test_{i},{p[0]},{p[1]},{float(y)}\n" for i, (p, y) in enumerate(rows)))

    code = main(["benchmark", "interval", str(file)])

    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == 0
    assert figures["cases"] == 60
    assert figures["auc_low"] < figures["auc"] < figures["auc_high"]
    expected = balanced_accuracy_score(labels, probabilities.argmax(dim=1))
    assert figures["balanced_accuracy"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("text", ["", "case,0.5\n", "case,a,b,0\n"])
def test_a_strange_file_says_what_a_line_must_be(text, tmp_path, capsys):
    file = tmp_path / "other.csv"
    file.write_text(text)

    with pytest.raises(SystemExit, match="2"):
        main(["benchmark", "interval", str(file)])

    assert "other.csv: every line must be name, p0, p1, ..., label" in capsys.readouterr().err


@pytest.fixture
def folds(predictions, tmp_path):
    """Two files with the clips of 6 patients each, ten alike clips of every patient."""
    probabilities, labels = predictions
    files = []
    for fold in range(2):
        rows = [
            (fold * 6 + i, probabilities[fold * 30 + i], labels[fold * 30 + i]) for i in range(6) for _ in range(10)
        ]
        files.append(tmp_path / f"fold{fold}.csv")
        text = [f"patient_{who}_clip{n},{p[0]},{p[1]},{float(y)}\n" for n, (who, p, y) in enumerate(rows)]
        files[-1].write_text("".join(text))
    return [str(file) for file in files]


def test_folds_are_taken_together_and_patients_drawn_whole(folds, capsys):
    main(["benchmark", "interval", *folds, "--group", r"^(patient_\d+)_"])
    grouped = capsys.readouterr().out
    main(["benchmark", "interval", *folds])
    plain = json.loads(capsys.readouterr().out.splitlines()[-1])

    figures = json.loads(grouped.splitlines()[-1])
    assert (figures["cases"], figures["groups"], len(figures["auc_by_file"])) == (120, 12, 2)
    assert "resamples of 12 groups of 120 cases" in grouped
    assert figures["auc"] == plain["auc"]
    assert figures["auc_high"] - figures["auc_low"] > 1.5 * (plain["auc_high"] - plain["auc_low"])


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "'(' is no regular expression"),
        ("patient", "'patient' must have one part in brackets, as '^(patient_[0-9]+)_', it has 0"),
        ("(case)", "the name 'patient_0_clip0' does not hold '(case)'; correct one of them"),
    ],
)
def test_a_wrong_pattern_of_groups(folds, pattern, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["benchmark", "interval", *folds, "--group", pattern])

    assert message in capsys.readouterr().err
