import json
from dataclasses import replace

import pytest

from monai_das.datasets import reviewed_datalist
from monai_das.metrics import MeasureEstimate
from monai_das.review import ReaderAgreement, ReaderVerdict, read_verdicts, write_verdicts

NONE = ReaderAgreement(None, None, None)


def test_verdicts_come_back_as_they_were_written(verdict, tmp_path):
    unsure = replace(verdict, label=None, label_name="unsure", reviewer="reader-2")

    write_verdicts(
        [verdict, unsure], ReaderAgreement(MeasureEstimate(0.5, 0.2, 0.8), None, "cohen", 1), tmp_path / "review.json"
    )

    assert read_verdicts(tmp_path / "review.json") == [verdict, unsure]
    content = json.loads((tmp_path / "review.json").read_text())
    assert content["agreement"]["class_kappa_high"] == 0.8
    assert content["problems"] == []
    assert [len(content[part]) for part in ("training", "unsure")] == [1, 1]


def test_the_datalist_is_what_training_reads(verdict, tmp_path):
    names = [f"case-{number:016x}" for number in range(40)]
    verdicts = [replace(verdict, case_id=name, image=f"{name}.nii.gz") for name in names]
    write_verdicts(verdicts, NONE, tmp_path / "review.json")

    parts = {part: reviewed_datalist(tmp_path / "review.json", part, 5) for part in ("train", "held_out")}

    assert sorted(case["name"] for cases in parts.values() for case in cases) == names
    assert len(parts["train"]) > len(parts["held_out"]) > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slices_added": [1.5]}, r"slices_added must be a list of 0-based slice numbers, got \[1.5\]"),
        ({"label": "one"}, "label must be a whole number or null, got 'one'"),
        ({"quality": True}, "quality must be a whole number or null, got True"),
        ({"model": "a"}, "model must be an object with name, version and weights_sha256, got 'a'"),
        ({"reviewer": None}, "reviewer must be text, got None"),
    ],
)
def test_a_wrong_field_is_named(verdict, change, message):
    with pytest.raises(ValueError, match=message):
        ReaderVerdict.from_dict({**verdict.to_dict(), **change})


def test_missing_fields_are_named():
    with pytest.raises(ValueError, match=r"a verdict needs label, label_name, .*; got case_id"):
        ReaderVerdict.from_dict({"case_id": "a"})


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"training": [1]}'])
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "file.json").write_text(text)

    with pytest.raises(ValueError, match=r"file.json holds no verdicts \(.*give what pull or the HTML report saved"):
        read_verdicts(tmp_path / "file.json")


def test_of_several_verdicts_of_one_reader_the_latest_counts(verdict, tmp_path):
    later = replace(verdict, reviewed_at="2026-01-02T10:00:00Z", label=0, label_name="normal")
    other = replace(verdict, reviewer="reader-2")
    model = replace(verdict, model={"weights_sha256": "cd" * 32})
    files = [tmp_path / f"{number}.json" for number in range(3)]
    for path, content in zip(files, ([later, other], [verdict, model], [later]), strict=True):
        write_verdicts(content, NONE, path)

    assert read_verdicts(*files) == [other, model, later]
