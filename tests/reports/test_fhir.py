"""The ImagingSelection of FHIR R5 against the models of fhir.resources."""

import json
from datetime import datetime, timezone

import pytest

from monai_das.reports import write_imaging_selection

pytest.importorskip("highdicom")
ImagingSelection = pytest.importorskip("fhir.resources.imagingselection").ImagingSelection


@pytest.fixture(params=["sample", "ct", "echo"])
def written(request, sources, result_for, tmp_path):
    """The result, its source, and the resource as written."""
    source = sources[request.param]
    result = result_for(source)
    write_imaging_selection(result, source, tmp_path / "imaging_selection.json")
    return result, source, (tmp_path / "imaging_selection.json").read_text(encoding="utf-8")


def test_it_is_valid_and_names_exactly_the_selected_slices(written):
    result, source, text = written

    found = ImagingSelection.model_validate_json(text)

    header = source.header(0)
    assert (found.status, found.code.coding[0].code) == ("available", "113000")
    assert (found.studyUid, found.seriesUid) == (header.StudyInstanceUID, header.SeriesInstanceUID)
    slices = [(each.uid, frame) for each in found.instance for frame in each.subset or [None]]
    assert slices == [(each.ref.sop_instance_uid, each.ref.frame and str(each.ref.frame)) for each in result.selected]
    assert found.instance[0].sopClass.code == f"urn:oid:{header.SOPClassUID}"
    assert found.identifier[0].value.startswith("urn:oid:2.25.")


def test_of_the_patient_it_holds_the_id_alone(written):
    _, source, text = written

    header = source.header(0)

    content = json.loads(text)
    expected = {"type": "Patient", "identifier": {"value": header.PatientID}} if header.PatientID else None
    assert content.get("subject") == expected
    name = str(header.get("PatientName") or "").partition("^")[0]
    assert name == header.PatientID or not name or name not in text


def test_it_says_what_the_other_reports_say(written):
    result, _, text = written

    said = json.loads(text)["text"]["div"]

    assert f"Predicted class: {result.label_name} (90.0%)" in said
    assert "Research use only." in said


def test_dates_without_a_zone_are_taken_as_utc(sources, result_for, tmp_path):
    write_imaging_selection(result_for(sources["ct"]), sources["ct"], tmp_path / "new.json")

    issued = ImagingSelection.model_validate_json((tmp_path / "new.json").read_text()).issued

    header = sources["ct"].header(0)
    assert issued.tzinfo == timezone.utc
    assert issued.date() == datetime.strptime(header.StudyDate, "%Y%m%d").date()
