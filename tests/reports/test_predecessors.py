"""A report of another model refers to the earlier one of the same series."""

from dataclasses import replace

import pytest
from pydicom import dcmread

from monai_das.reports import write_key_objects, write_structured_report
from monai_das.reports.predecessors import find_reports

pytest.importorskip("highdicom")


def by_another(result):
    return replace(result, model=replace(result.model, version="2.0", weights_sha256="cd" * 32))


@pytest.fixture
def earlier(sample_series, result_for, tmp_path):
    """A folder of results with the report of the first model, and other objects."""
    (tmp_path / "out" / "case").mkdir(parents=True)
    write_structured_report(result_for(sample_series), sample_series, tmp_path / "out" / "case" / "report.dcm")
    write_key_objects(result_for(sample_series), sample_series, tmp_path / "out" / "case" / "key_objects.dcm")
    (tmp_path / "out" / "other.dcm").write_text("no DICOM")
    return tmp_path / "out"


def predecessors(result, source, known, path):
    write_structured_report(result, source, path, find_reports([known]))
    return [
        (study.StudyInstanceUID, series.SeriesInstanceUID, each.ReferencedSOPClassUID, each.ReferencedSOPInstanceUID)
        for study in dcmread(path).get("PredecessorDocumentsSequence") or ()
        for series in study.ReferencedSeriesSequence
        for each in series.ReferencedSOPSequence
    ]


def test_a_report_of_another_model_names_its_predecessor(earlier, sample_series, result_for, tmp_path):
    first = dcmread(earlier / "case" / "report.dcm")

    found = predecessors(by_another(result_for(sample_series)), sample_series, earlier, tmp_path / "new.dcm")

    assert found == [(first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPClassUID, first.SOPInstanceUID)]


def test_the_same_model_and_another_series_have_none(earlier, sample_series, sources, result_for, tmp_path):
    same = predecessors(result_for(sample_series), sample_series, earlier / "case" / "report.dcm", tmp_path / "1.dcm")
    other = predecessors(by_another(result_for(sources["ct"])), sources["ct"], earlier, tmp_path / "2.dcm")

    assert (same, other) == ([], [])
    assert (tmp_path / "1.dcm").read_bytes() == (earlier / "case" / "report.dcm").read_bytes()


def test_what_is_no_report_is_refused(earlier):
    with pytest.raises(FileNotFoundError, match=r"none: no such file or folder; give an earlier OUT, or a report\.dcm"):
        find_reports([earlier / "none"])
    with pytest.raises(ValueError, match=r"key_objects\.dcm is no report that monai-das wrote; give an earlier OUT"):
        find_reports([earlier / "case" / "key_objects.dcm"])
