import json
from pathlib import Path

import pytest

from monai_das.reports import CaseError, batch, report_cases


class FakePredictor:
    """Answers with one result, but for paths called bad."""

    def __init__(self, result):
        self.result = result

    def predict(self, path, case_id):
        if path.name == "bad":
            raise ValueError("not a volume")
        return self.result


CASES = [("first", Path("good")), ("second", Path("folder", "bad")), ("third", Path("good"))]


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_bad_case_does_not_stop_the_others_and_is_named(result, tmp_path):
    outcomes = list(report_cases(FakePredictor(result), CASES, tmp_path))

    assert [isinstance(each, CaseError) for each in outcomes] == [False, True, False]
    assert json.loads((tmp_path / "errors.json").read_text()) == {
        "errors": [{"case": "second", "path": str(Path("folder", "bad")), "error": "ValueError: not a volume"}]
    }
    assert files(tmp_path) == [
        "errors.json",
        "first/montage.png",
        "first/result.json",
        "third/montage.png",
        "third/result.json",
    ]


def test_when_all_is_well_older_errors_go(result, tmp_path):
    list(report_cases(FakePredictor(result), CASES, tmp_path))

    list(report_cases(FakePredictor(result), CASES[:1], tmp_path))

    assert not (tmp_path / "errors.json").exists()


def test_a_case_that_fails_now_keeps_no_older_reports(result, tmp_path):
    list(report_cases(FakePredictor(result), [("case", Path("good"))], tmp_path))

    list(report_cases(FakePredictor(result), [("case", Path("bad"))], tmp_path))

    assert files(tmp_path) == ["errors.json"]


def test_a_report_that_cannot_be_written_is_an_error_of_its_case(result, tmp_path, monkeypatch):
    def broken(result, path):
        raise OSError("disk full")

    monkeypatch.setattr(batch, "write_json", broken)

    (outcome,) = report_cases(FakePredictor(result), CASES[:1], tmp_path)

    assert outcome.error == "OSError: disk full"
    assert files(tmp_path) == ["errors.json"]


def test_a_file_in_the_place_of_a_case_folder_is_an_error_of_its_case(result, tmp_path):
    (tmp_path / "first").write_text("in the way")

    first, _, third = report_cases(FakePredictor(result), CASES, tmp_path)

    assert isinstance(first, CaseError)
    assert third is result


def test_other_exceptions_stop(result, tmp_path):
    class Stopped(FakePredictor):
        def predict(self, path, case_id):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(report_cases(Stopped(result), CASES, tmp_path))


def test_only_the_reports_asked_for_are_there(result, tmp_path):
    list(report_cases(FakePredictor(result), CASES[:1], tmp_path))

    list(report_cases(FakePredictor(result), CASES[:1], tmp_path, ["html"]))

    assert files(tmp_path) == ["first/case.html"]


def test_unknown_reports_are_refused(result, tmp_path):
    with pytest.raises(ValueError, match="reports must be of html, json, png, got pdf"):
        list(report_cases(FakePredictor(result), CASES, tmp_path, ["json", "pdf"]))
