import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from monai_das.data import CaseKey, open_source
from monai_das.datasets import write_nifti
from monai_das.reports import (
    CannotWriteError,
    CaseError,
    CaseMap,
    ReportSettings,
    SameCase,
    find_reports,
    read_case_map,
    report_cases,
)
from monai_das.reports.case_reports import PLAIN


class FakePredictor:
    """Answers with one result."""

    def __init__(self, result):
        self.result = result

    def predict(self, source, case_id, opening_ms):
        assert opening_ms > 0
        return replace(self.result, case_id=case_id)


KEY = CaseKey(b"a key of the tests, known to everyone")


def run(predictor, cases, folder, *reports, **settings):
    """Every outcome of :func:`report_cases`."""
    chosen = {"reports": reports} if reports else {}
    return list(report_cases(predictor, cases, folder, ReportSettings(KEY, **chosen, **settings)))


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("cases") / "good.nii"
    write_nifti(np.zeros((5, 6, 12), np.uint8), path)
    return path


@pytest.fixture(scope="module")
def other(good):
    path = good.with_name("other.nii")
    write_nifti(np.ones((5, 6, 12), np.uint8), path)
    return path


@pytest.fixture(scope="module")
def bad(good):
    path = good.with_name("bad.nii")
    path.write_bytes(b"no volume")
    return path


@pytest.fixture(scope="module")
def cases(good, bad, other):
    return [("first", good), ("second", bad), ("third", other)]


def case_of(path):
    return KEY.case_id(open_source(path))


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_bad_case_does_not_stop_the_others_and_is_named(result, cases, good, other, bad, tmp_path):
    outcomes = run(FakePredictor(result), cases, tmp_path)

    assert [isinstance(each, CaseError) for each in outcomes] == [False, True, False]
    (error,) = json.loads((tmp_path / "errors.json").read_text())["errors"]
    case = KEY.unopened_id(bad)
    assert error["case"] == case
    assert error["error"].startswith(f"ValueError: {case}: the NIfTI file cannot be read")
    reports = [f"{case_of(path)}/{name}" for path in (good, other) for name in ("montage.png", "result.json")]
    assert files(tmp_path) == sorted([*reports, "errors.json"])


def test_when_all_is_well_older_errors_go(result, cases, tmp_path):
    run(FakePredictor(result), cases, tmp_path)

    run(FakePredictor(result), cases[:1], tmp_path)

    assert not (tmp_path / "errors.json").exists()


class Failing(FakePredictor):
    """Fails as often as it is told to, for a reason that lies in the study."""

    def __init__(self, result, times=1):
        super().__init__(result)
        self.times = times

    def predict(self, source, case_id, opening_ms):
        self.times -= 1
        if self.times >= 0:
            raise ValueError(f"{source.name}: not finite")
        return super().predict(source, case_id, opening_ms)


def test_a_case_that_fails_now_keeps_no_older_reports(result, cases, tmp_path):
    run(FakePredictor(result), cases[:1], tmp_path)

    run(Failing(result), cases[:1], tmp_path)

    assert files(tmp_path) == ["errors.json"]


def test_a_report_that_cannot_be_written_ends_the_run_without_half_a_case(result, cases, tmp_path, monkeypatch):
    def broken(result, source, path):
        raise OSError(errno.ENOSPC, "No space left on device", "DOE_JANE")

    monkeypatch.setitem(PLAIN, "json", broken)

    with pytest.raises(CannotWriteError, match="cannot be written: No space left on device; what is finished in it"):
        run(FakePredictor(result), cases[:1], tmp_path)

    assert files(tmp_path) == []


def test_a_file_in_the_place_of_a_case_folder_is_an_error_of_its_case(result, cases, good, other, tmp_path):
    (tmp_path / case_of(good)).write_text("in the way")

    first, _, third = run(FakePredictor(result), cases, tmp_path)

    assert "a file lies in the folder of results where its reports belong; remove it" in first.error
    assert third.case_id == case_of(other)


def test_other_exceptions_stop(result, cases, tmp_path):
    class Stopped(FakePredictor):
        def predict(self, source, case_id, opening_ms):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Stopped(result), cases, tmp_path)


def test_only_the_reports_asked_for_are_there(result, cases, tmp_path):
    run(FakePredictor(result), cases[:1], tmp_path)

    run(FakePredictor(result), cases[:1], tmp_path, "html")

    assert files(tmp_path) == [f"{case_of(cases[0][1])}/case.html"]


def test_unknown_reports_are_refused(result, cases, tmp_path):
    with pytest.raises(ValueError, match="reports must be of fhir, html, json, kos, png, sc, slices, sr, got pdf"):
        run(FakePredictor(result), cases, tmp_path, "json", "pdf")


def test_with_phi_the_path_is_named(result, cases, bad, tmp_path):
    first, failed, _ = run(FakePredictor(result), cases, tmp_path, include_phi=True)

    assert first.title == f"first ({first.case_id})"
    assert failed.error.startswith(f"ValueError: {bad}: the NIfTI file cannot be read")


def test_dicom_reports_are_written_beside_the_others(sample_series, result_for, tmp_path):
    pytest.importorskip("highdicom")
    cases = [("case", Path(sample_series.name))]

    run(FakePredictor(result_for(sample_series)), cases, tmp_path, "json", "kos", "sr", "sc")

    written = ["key_objects.dcm", "montage.dcm", "report.dcm", "result.json"]
    assert files(tmp_path) == [f"{KEY.case_id(sample_series)}/{name}" for name in written]


def test_a_report_that_fails_does_not_take_the_others_with_it(result, good, tmp_path):
    """A NIfTI file has no DICOM objects that reports could refer to."""
    (outcome,) = run(
        FakePredictor(replace(result, source_kind="nifti")), [("one", good)], tmp_path, "json", "sr", "fhir"
    )

    case = outcome.case_id
    assert files(tmp_path) == [f"{case}/result.json", "errors.json"]
    assert list(outcome.report_errors) == ["sr", "fhir"]
    assert "DICOM reports (kos, sr, sc, fhir) refer to DICOM objects, this case is nifti" in outcome.report_errors["sr"]
    assert json.loads((tmp_path / case / "result.json").read_text())["report_errors"] == outcome.report_errors
    (error,) = json.loads((tmp_path / "errors.json").read_text())["errors"]
    assert error["case"] == case
    assert error["error"] == "; ".join(f"report {kind}: {words}" for kind, words in outcome.report_errors.items())


def test_a_case_of_which_no_report_can_be_written_has_failed(result, good, tmp_path):
    (outcome,) = run(FakePredictor(replace(result, source_kind="nifti")), [("one", good)], tmp_path, "sr", "kos")

    assert "DICOM reports (kos, sr, sc, fhir) refer to DICOM objects, this case is nifti" in outcome.error
    assert files(tmp_path) == ["errors.json"]


def test_two_runs_into_two_folders_write_the_same_objects(sample_series, result_for, tmp_path):
    pytest.importorskip("highdicom")
    cases, kinds = [("case", Path(sample_series.name))], ("kos", "sr", "sc", "fhir")

    for place in ("one", "two"):
        run(FakePredictor(result_for(sample_series)), cases, tmp_path / place, *kinds)

    one, two = ({path.name: path.read_bytes() for path in (tmp_path / place).rglob("*.*")} for place in ("one", "two"))
    assert len(one) == 4
    assert one == two


def test_an_earlier_report_of_another_model_is_referred_to(sample_series, result_for, tmp_path):
    pytest.importorskip("highdicom")
    cases, result = [("case", Path(sample_series.name))], result_for(sample_series)
    run(FakePredictor(result), cases, tmp_path / "one", "sr")
    newer = replace(result, model=replace(result.model, weights_sha256="cd" * 32))

    run(FakePredictor(newer), cases, tmp_path / "two", "sr", predecessors=find_reports([tmp_path / "one"]))

    one, two = (dcmread(next((tmp_path / place).rglob("report.dcm"))) for place in ("one", "two"))
    referred = two.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert referred.ReferencedSOPInstanceUID == one.SOPInstanceUID


def test_a_study_that_is_given_twice_is_done_once(result, good, bad, tmp_path):
    (tmp_path / "in").mkdir()
    copy = tmp_path / "in" / "AAA.nii"
    copy.write_bytes(good.read_bytes())

    first, second = run(FakePredictor(result), [("one", good), ("two", copy)], tmp_path / "out")

    assert second == SameCase(first.case_id)
    assert {path.parent.name for path in (tmp_path / "out").rglob("*.json")} == {first.case_id}


def test_a_study_whose_first_copy_failed_is_done_from_the_second(result, good, tmp_path):
    failed, done = run(Failing(result), [("one", good), ("two", good)], tmp_path)

    assert failed.case == done.case_id
    assert not (tmp_path / "errors.json").exists()


def test_the_uids_of_another_patient_are_an_error_and_what_is_done_stays(sample_series, result_for, tmp_path):
    for path in sample_series.files:
        tags = dcmread(path)
        tags.PatientID = "ANOTHER"
        (tmp_path / "other").mkdir(exist_ok=True)
        tags.save_as(tmp_path / "other" / path.name)
    cases = [("one", Path(sample_series.name)), ("two", tmp_path / "other")]

    done, failed = run(FakePredictor(result_for(sample_series)), cases, tmp_path / "out", "json")

    assert failed.case != done.case_id
    assert f"its UIDs are those of {done.case_id}, which is of another patient and is done" in failed.error
    assert files(tmp_path / "out") == [f"{done.case_id}/result.json", "errors.json"]


def test_the_map_has_every_case_and_the_patient_is_in_the_result(sample_series, result_for, bad, tmp_path):
    cases = [("one", Path(sample_series.name)), ("two", bad)]
    with CaseMap(tmp_path / "map.json") as case_map:
        done, failed = run(FakePredictor(result_for(sample_series)), cases, tmp_path / "out", case_map=case_map)

    expected = {done.case_id: Path(sample_series.name), failed.case: bad}
    assert read_case_map(tmp_path / "map.json") == expected
    assert done.group == KEY.patient("SAMPLE-17")
    assert json.loads((tmp_path / "out" / done.case_id / "result.json").read_text())["group"] == done.group
