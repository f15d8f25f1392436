"""What a series is called, and what a report says in words."""

from pydicom import Dataset

from monai_das.contract import InputVerdict
from monai_das.data import Finding
from monai_das.inference import DASModelInfo
from monai_das.reports import as_json, write_html
from monai_das.reports.codes import class_code, probability_code
from monai_das.reports.statements import in_one, series_description, shortened, statements


def header(**tags):
    found = Dataset()
    found.SeriesInstanceUID = "1.2.3.4567890123"
    for keyword, value in tags.items():
        setattr(found, keyword, value)
    return found


def test_a_series_names_model_version_and_source(result_with):
    model = DASModelInfo("Adaptive slice selection for adrenal gland classification", "0.1.0", "ab" * 32)
    result = result_with(model=model)

    named = series_description("report", result, header(SeriesNumber=3, SeriesDescription="AX T1"))

    assert named == "0.1.0 ..for adrenal gland classification, report of series 3"
    assert series_description("report", result_with(), header()) == "1.2.3 A model, report of series ..67890123"
    assert max(len(series_description("key slices", result, header(SeriesNumber=n))) for n in (1, 10**9)) <= 64


def test_a_name_of_one_long_word_is_cut():
    assert shortened("x" * 30, 10) == ".." + "x" * 8


def test_everything_is_said(result_with):
    verdict = InputVerdict(("7 slices",), True, distance=9.0, limit=7.0)
    warning = Finding("a slice is missing", files=["DOE.dcm"], texts=["Jane"])
    model = DASModelInfo("A model", "1.2.3", "ab" * 32, intended_use="Research")
    result = result_with(input=verdict, notices=verdict.notices, warnings=(warning,), model=model)

    said = in_one(statements(result, header(SeriesNumber=3, SeriesDescription="AX T1")))

    assert said.startswith(
        f"Model: A model 1.2.3, weights SHA-256 {'ab' * 32}. Source: 2 of 12 slices of series 3 (AX T1)"
    )
    assert "Intended use: Research. Restriction: Research use only." in said
    assert "Input check: Not accepted by the model's contract; distance 9.00 from the training cases, 7.00 is" in said
    assert all(f"Notice: {notice}." in said for notice in verdict.notices)
    assert "Warning: a slice is missing." in said


def test_frames_are_called_frames_and_silence_is_said(result_with):
    said = dict(statements(result_with(clip=True), header()))

    assert said["source"].startswith("2 of 12 frames of series ..67890123, SeriesInstanceUID 1.2.3")
    assert said["intended-use"] == "The model states none"
    assert said["input-check"].endswith("; its distance from the training cases is not known")


def test_a_class_of_two_models_has_two_codes_and_of_two_versions_one():
    one, newer, other = (
        DASModelInfo(name, version, weights * 32)
        for name, version, weights in (("adrenal", "1", "ab"), ("adrenal", "2", "cd"), ("lung", "1", "ef"))
    )

    assert class_code(one, "abnormal") == class_code(newer, "abnormal") != class_code(other, "abnormal")
    values = {probability_code(one, "abnormal", predicted=each).value for each in (True, False)}
    assert len(values) == 2
    assert max(map(len, values)) <= 16


def test_a_threshold_is_said_where_the_answer_is(result_with, pixels_of, tmp_path):
    """Else 49 % of a class that is the answer would look like a mistake."""
    result = result_with(model=DASModelInfo("A model", "1.2.3", "ab" * 32, threshold=0.08))
    words = "the answer is hyperplasia from 8.0% on"

    write_html(result, pixels_of(result), tmp_path / "case.html")

    assert words in dict(statements(result, header()))["model"]
    assert words in (tmp_path / "case.html").read_text(encoding="utf-8")
    assert as_json(result)["threshold"] == 0.08
    assert "the answer is" not in dict(statements(result_with(), header()))["model"]
