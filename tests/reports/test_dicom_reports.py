"""What the three DICOM writers have in common, on real and made-up sources."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from monai_das.data import open_source
from monai_das.datasets import make_sample_volumes, write_nifti
from monai_das.inference import CaseTimings, SelectedSlice
from monai_das.reports import write_key_objects, write_secondary_capture, write_structured_report

highdicom = pytest.importorskip("highdicom")

WRITERS = [write_key_objects, write_structured_report, write_secondary_capture]
NAMES = ["sample", "ct", "echo"]
SAME = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyDate",
    "AccessionNumber",
]


def written(write, result, source, path):
    write(result, source, path)
    return dcmread(path)


def referenced(tags):
    """All (SOPInstanceUID, frame) below ContentSequence; frame None for a whole object."""
    found = []
    for item in tags.get("ContentSequence") or ():
        for reference in item.get("ReferencedSOPSequence") or ():
            frames = reference.get("ReferencedFrameNumber")
            frames = [frames] if isinstance(frames, int) else frames or [None]
            found += [(reference.ReferencedSOPInstanceUID, frame and int(frame)) for frame in frames]
        found += referenced(item)
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("write", WRITERS)
def test_the_standards_own_checker_finds_no_error(write, name, sources, result_for, tmp_path):
    write(result_for(sources[name]), sources[name], tmp_path / "new.dcm")

    checker = Path(sys.executable).with_name("dciodvfy")
    checked = subprocess.run([checker, tmp_path / "new.dcm"], capture_output=True, text=True, check=False)
    said = checked.stdout + checked.stderr
    assert [line for line in said.splitlines() if "Error" in line] == []
    assert {"KeyObjectSelectionDocument", "ComprehensiveSR", "SCImage"} & set(said.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_highdicom_reads_what_it_wrote(name, sources, result_for, tmp_path):
    source, files = sources[name], [tmp_path / f"{write.__name__}.dcm" for write in WRITERS]
    for write, file in zip(WRITERS, files, strict=True):
        write(result_for(source), source, file)

    key_objects, report, capture = (dcmread(file) for file in files)

    keys = highdicom.ko.KeyObjectSelectionDocument.from_dataset(key_objects)
    assert len(keys.content.get_references()) == len(dict.fromkeys(uid for uid, _ in referenced(key_objects)))
    groups = highdicom.sr.ComprehensiveSR.from_dataset(report).content.get_planar_roi_measurement_groups()
    assert [group.tracking_identifier for group in groups]
    assert len(groups) == 2
    assert highdicom.Image.from_dataset(capture).get_frame(1).shape == (capture.Rows, capture.Columns, 3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("write", WRITERS)
def test_patient_and_study_stay_and_a_rerun_gives_the_same_bytes(
    write, name, sources, result_for, tmp_path, monkeypatch
):
    source = sources[name]
    header = source.header(0)

    first = written(write, result_for(source), source, tmp_path / "1.dcm")
    written(write, replace(result_for(source), timings=CaseTimings(9.0, 9.0, 9.0, 9.0)), source, tmp_path / "2.dcm")
    other = written(write, result_for(source, selected_indices=(0, 1)), source, tmp_path / "3.dcm")

    assert {word: str(first.get(word) or "") for word in SAME} == {word: str(header.get(word) or "") for word in SAME}
    assert (tmp_path / "1.dcm").read_bytes() == (tmp_path / "2.dcm").read_bytes()
    assert len({tags.SOPInstanceUID for tags in (first, other, header)}) == 3
    assert len({tags.SeriesInstanceUID for tags in (first, other, header)}) == 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("write", WRITERS[:2])
def test_exactly_the_selected_slices_are_referenced(write, name, sources, result_for, tmp_path):
    source = sources[name]
    result = result_for(source)

    tags = written(write, result, source, tmp_path / "new.dcm")

    expected = [(each.ref.sop_instance_uid, each.ref.frame) for each in result.selected]
    evidence = {
        reference.ReferencedSOPInstanceUID
        for study in tags.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    }
    assert sorted(referenced(tags)) == sorted(expected)
    assert evidence == {uid for uid, _ in expected}


def test_frames_count_from_1(echo, result_for, tmp_path):
    tags = written(write_key_objects, result_for(echo, selected_indices=(0, 12, 29)), echo, tmp_path / "new.dcm")

    (item,) = [item for item in tags.ContentSequence if item.ValueType == "IMAGE"]
    assert list(item.ReferencedSOPSequence[0].ReferencedFrameNumber) == [1, 13, 30]
    assert tags.ContentSequence[0].ValueType != "IMAGE"
    assert tags.ConceptNameCodeSequence[0].CodeMeaning == "Of Interest"


@pytest.mark.parametrize("write", WRITERS)
def test_no_dicom_source_is_refused(write, result_for, tmp_path):
    write_nifti(make_sample_volumes(1, 16)[0]["image"][0], tmp_path / "case.nii.gz")
    source = open_source(tmp_path / "case.nii.gz")

    with pytest.raises(ValueError, match=r"case: DICOM reports \(kos, sr, sc, fhir\) .* is nifti; leave them out"):
        write(result_for(source), source, tmp_path / "new.dcm")

    assert not (tmp_path / "new.dcm").exists()


@pytest.mark.parametrize("write", WRITERS)
def test_slices_of_no_object_are_refused(write, sample_series, result_for, tmp_path):
    result = result_for(sample_series)
    coronal = tuple(SelectedSlice(replace(each.ref, sop_instance_uid=None), 0.5) for each in result.selected)

    with pytest.raises(ValueError, match="plane that was not acquired, no DICOM object holds them; leave"):
        write(replace(result, selected=coronal), sample_series, tmp_path / "new.dcm")


@pytest.mark.parametrize("write", WRITERS)
def test_a_result_of_another_source_is_refused(write, sample_series, sources, result_for, tmp_path):
    with pytest.raises(ValueError, match=r"slice 0 is .* in the result and .* in the source; give the source"):
        write(result_for(sources["ct"]), sample_series, tmp_path / "new.dcm")


def test_the_report_opens_with_the_top_slice_and_what_it_says_of_the_case(sample_series, result_for, tmp_path):
    result = result_for(sample_series, selected_indices=(1, 2, 4))

    tags = written(write_structured_report, result, sample_series, tmp_path / "new.dcm")

    (measured,) = [item for item in tags.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "126010"]
    groups = [
        {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in group.ContentSequence}
        for group in measured.ContentSequence
    ]
    ranked = sorted(result.selected, key=lambda each: -each.score)
    scores = [float(group["Selection score"].MeasuredValueSequence[0].NumericValue) for group in groups]
    assert scores == pytest.approx([each.score for each in ranked], rel=1e-5)
    assert groups[0]["Predicted class"].ConceptCodeSequence[0].CodeMeaning == result.label_name
    assert float(groups[0]["Probability of hyperplasia"].MeasuredValueSequence[0].NumericValue) == pytest.approx(10)
    # OHIF lists the first five numbers beside the slice
    assert list(groups[0])[6:8] == ["Predicted normal", "Selection score"]
    assert [("Probability of normal" in group, "Predicted class" in group) for group in groups[1:]] == [
        (False, False)
    ] * 2
    outline = np.reshape(groups[0]["Image Region"].GraphicData, (5, 2))
    assert (outline > 0).all()
    assert (outline < (tags_of(sample_series).Columns, tags_of(sample_series).Rows)).all()


def tags_of(source):
    return source.header(0)


def test_the_capture_is_the_montage(sources, result_for, tmp_path):
    source = sources["ct"]
    result = result_for(source)

    tags = written(write_secondary_capture, result, source, tmp_path / "new.dcm")

    assert tags.pixel_array.shape == (tags.Rows, 1200, 3)
    assert np.ptp(tags.pixel_array.astype(int), axis=2).max() > 100  # the selected bars are orange
    assert tags.BodyPartExamined == source.header(0).BodyPartExamined
    assert tags.BurnedInAnnotation == "NO"
    assert "LossyImageCompression" not in tags
    sources_of = [(each.ReferencedSOPClassUID, each.ReferencedSOPInstanceUID) for each in tags.SourceImageSequence]
    assert sources_of == [(source.header(0).SOPClassUID, each.ref.sop_instance_uid) for each in result.selected]


def test_a_capture_of_a_lossy_clip_that_may_hold_text_says_so(echo, result_for, tmp_path):
    tags = written(write_secondary_capture, result_for(echo, selected_indices=(0, 12)), echo, tmp_path / "new.dcm")

    assert (tags.BurnedInAnnotation, tags.LossyImageCompression) == ("YES", "01")
    assert list(tags.SourceImageSequence[0].ReferencedFrameNumber) == [1, 13]


@pytest.mark.parametrize(("drawn", "said"), [({"name": "Jane"}, "YES"), ({"warnings": ("a gap",)}, "NO")])
def test_a_capture_may_identify_the_patient_only_by_what_is_drawn(drawn, said, sample_series, result_for, tmp_path):
    source = sample_series

    tags = written(write_secondary_capture, result_for(source, **drawn), source, tmp_path / "new.dcm")

    assert tags.BurnedInAnnotation == said
