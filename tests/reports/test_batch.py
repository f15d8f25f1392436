import errno
import json
from pathlib import Path

import numpy as np
import pytest

from monai_das.datasets import write_nifti
from monai_das.reports import CaseError, batch, report_cases


class FakePredictor:
    """Answers with one result."""

    def __init__(self, result):
        self.result = result

    def predict(self, source, case_id, opening_ms):
        assert opening_ms > 0
        return self.result


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("cases") / "good.nii"
    write_nifti(np.zeros((5, 6, 4), np.uint8), path)
    return path


@pytest.fixture(scope="module")
def bad(good):
    path = good.with_name("bad.nii")
    path.write_bytes(b"no volume")
    return path


@pytest.fixture(scope="module")
def cases(good, bad):
    return [("first", good), ("second", bad), ("third", good)]


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_bad_case_does_not_stop_the_others_and_is_named(result, cases, bad, tmp_path):
    outcomes = list(report_cases(FakePredictor(result), cases, tmp_path))

    assert [isinstance(each, CaseError) for each in outcomes] == [False, True, False]
    (error,) = json.loads((tmp_path / "errors.json").read_text())["errors"]
    assert error["case"] == "second"
    assert error["error"].startswith("ValueError: second: the NIfTI file cannot be read")
    assert files(tmp_path) == [
        "errors.json",
        "first/montage.png",
        "first/result.json",
        "third/montage.png",
        "third/result.json",
    ]


def test_when_all_is_well_older_errors_go(result, cases, tmp_path):
    list(report_cases(FakePredictor(result), cases, tmp_path))

    list(report_cases(FakePredictor(result), cases[:1], tmp_path))

    assert not (tmp_path / "errors.json").exists()


def test_a_case_that_fails_now_keeps_no_older_reports(result, good, bad, tmp_path):
    list(report_cases(FakePredictor(result), [("case", good)], tmp_path))

    list(report_cases(FakePredictor(result), [("case", bad)], tmp_path))

    assert files(tmp_path) == ["errors.json"]


def test_a_report_that_cannot_be_written_is_an_error_of_its_case(result, cases, tmp_path, monkeypatch):
    def broken(result, path):
        raise OSError(errno.ENOSPC, "no room", "DOE_JANE")

    monkeypatch.setattr(batch, "write_json", broken)

    (outcome,) = report_cases(FakePredictor(result), cases[:1], tmp_path)

    assert outcome.error == "OSError: No space left on device"
    assert files(tmp_path) == ["errors.json"]


def test_a_file_in_the_place_of_a_case_folder_is_an_error_of_its_case(result, cases, tmp_path):
    (tmp_path / "first").write_text("in the way")

    first, _, third = report_cases(FakePredictor(result), cases, tmp_path)

    assert isinstance(first, CaseError)
    assert third is result


def test_other_exceptions_stop(result, cases, tmp_path):
    class Stopped(FakePredictor):
        def predict(self, source, case_id, opening_ms):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(report_cases(Stopped(result), cases, tmp_path))


def test_only_the_reports_asked_for_are_there(result, cases, tmp_path):
    list(report_cases(FakePredictor(result), cases[:1], tmp_path))

    list(report_cases(FakePredictor(result), cases[:1], tmp_path, ["html"]))

    assert files(tmp_path) == ["first/case.html"]


def test_unknown_reports_are_refused(result, cases, tmp_path):
    with pytest.raises(ValueError, match="reports must be of html, json, kos, png, sc, slices, sr, got pdf"):
        list(report_cases(FakePredictor(result), cases, tmp_path, ["json", "pdf"]))


def test_with_phi_the_path_is_named(result, cases, bad, tmp_path):
    _, failed, _ = report_cases(FakePredictor(result), cases, tmp_path, include_phi=True)

    assert failed.error.startswith(f"ValueError: {bad}: the NIfTI file cannot be read")


def test_dicom_reports_are_written_beside_the_others(sample_series, result_for, tmp_path):
    pytest.importorskip("highdicom")
    cases = [("case", Path(sample_series.name))]

    list(report_cases(FakePredictor(result_for(sample_series)), cases, tmp_path, ["json", "kos", "sr", "sc"]))

    assert files(tmp_path) == ["case/key_objects.dcm", "case/montage.dcm", "case/report.dcm", "case/result.json"]
