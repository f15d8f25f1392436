"""A file that is overwritten, replaced, cut off or removed while its case is done is an error, never a mixed result."""

import json
import os
import shutil

import numpy as np
import pytest
from pydicom.data import get_testdata_file

pytest.importorskip("av")
pytest.importorskip("SimpleITK")

import SimpleITK

from monai_das.cli import main
from monai_das.data import CaseKey, DICOMVideoSource, NIfTISource, open_source
from monai_das.datasets import write_dicom_series, write_nifti
from monai_das.inference import Predictor
from monai_das.reports import CaseError, ReportSettings, report_cases
from tests.data.video_clips import moving_bars, write_video, write_video_object

KEY = CaseKey(b"a key of the tests, known to everyone")
CHANGED = "it was changed while it was read; run again when nothing writes there"


def write_itk(values, path):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.ascontiguousarray(values.T)), str(path))


def clip(path):
    shutil.copy(get_testdata_file("examples_ybr_color.dcm"), path)


def film(_, path):
    clip(path)
    write_video_object(path)
    path.with_name("raw.h264.ts").unlink()


WRITERS = {
    "case.nii": lambda values, path: write_nifti(values, path),
    "case.nii.gz": lambda values, path: write_nifti(values, path),
    "case.nrrd": write_itk,
    "series": lambda values, path: write_dicom_series(values, path),
    "clip.dcm": lambda _, path: clip(path),
    "clip.avi": lambda _, path: write_video(path, moving_bars(12), "mpeg4"),
    "film.dcm": film,
}


def written(name, values, folder):
    """Write a study, some seconds ago; return its path, and the file of it that is to be changed."""
    path = folder / name
    WRITERS[name](values, path)
    file = sorted(path.iterdir())[len(list(path.iterdir())) // 2] if path.is_dir() else path
    os.utime(file, (1.7e9, 1.7e9))
    return path, file


def overwrite(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = bytes(reversed(content[len(content) // 2 :]))
    with file.open("r+b") as stream:
        stream.write(content)


def replace(file):
    other = file.with_name(".arrives")
    other.write_bytes(file.read_bytes())
    os.replace(other, file)


def cut_off(file):
    os.truncate(file, file.stat().st_size // 2)


class Disturbed:
    """A predictor beside which a file is changed before or after it has read."""

    def __init__(self, predictor, change, when):
        self.predictor, self.change, self.when = predictor, change, when

    def predict(self, *arguments, **named):
        if self.when == "before":
            self.change()
        result = self.predictor.predict(*arguments, **named)
        if self.when == "after":
            self.change()
        return result


@pytest.fixture(scope="module")
def tolerant(random_bundle):
    return Predictor(random_bundle, num_slices=4, accept_any_input=True)


@pytest.mark.parametrize(
    ("name", "change", "when"),
    [
        *((name, overwrite, "before") for name in WRITERS),
        *(("series", change, "before") for change in (replace, cut_off, os.remove)),
        *(("case.nii", change, when) for change in (cut_off, os.remove) for when in ("before", "after")),
        ("case.nii", replace, "after"),
    ],
)
def test_a_file_that_changes_after_its_case_was_opened_is_named_and_leaves_no_result(
    name, change, when, volume, tolerant, tmp_path
):
    study, file = written(name, volume, tmp_path)
    disturbed = Disturbed(tolerant, lambda: change(file), when)

    (outcome,) = report_cases(disturbed, [("case", study)], tmp_path / "out", ReportSettings(KEY, include_phi=True))

    assert isinstance(outcome, CaseError)
    said = CHANGED.replace("was changed", "is gone") if change is os.remove else CHANGED
    assert f"{file}: {said}" in outcome.error
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["errors.json"]


@pytest.mark.parametrize("name", ["case.nii.gz", "case.nrrd", "film.dcm"])
def test_a_file_that_changes_while_it_is_opened_is_not_called_by_its_new_content(
    name, volume, tolerant, tmp_path, monkeypatch
):
    from monai_das.data import open as door

    study, file = written(name, volume, tmp_path)
    read = door._file_source

    def read_and_change(*arguments):
        source = read(*arguments)
        overwrite(file)
        return source

    monkeypatch.setattr(door, "_file_source", read_and_change)

    with pytest.raises(ValueError, match=CHANGED):
        tolerant.predict(study)


def test_a_slice_that_changes_after_finding_is_read_anew(volume, tmp_path, tolerant):
    """Finding keeps headers; those of a changed file are not taken."""
    from monai_das.data import find_studies

    _, file = written("series", volume, tmp_path)
    ((_, found),) = find_studies([tmp_path])
    shutil.copy(get_testdata_file("CT_small.dcm"), file)

    with pytest.raises(ValueError, match=r"several series|slices of different size|2 series"):
        tolerant.predict(found)


def test_what_does_not_change_is_no_error_and_an_unnoted_source_is_taken_as_it_is(volume, tolerant, tmp_path):
    study, file = written("case.nii", volume, tmp_path)
    source = NIfTISource(study)
    os.utime(file)

    assert tolerant.predict(source).probabilities == tolerant.predict(study).probabilities


def test_a_video_inside_dicom_has_its_file(tmp_path):
    path, _ = written("film.dcm", None, tmp_path)
    source = open_source(path)

    assert isinstance(source, DICOMVideoSource)
    assert source.files == (path,)


def test_the_command_goes_on_with_the_others(random_bundle, volume, tmp_path, monkeypatch):
    for number in range(3):
        write_nifti(volume + np.uint8(number), tmp_path / "studies" / f"{number}.nii")
    file, predict = tmp_path / "studies" / "1.nii", Predictor._predicted

    def disturbed(self, source, *arguments):
        if source.name == str(file):
            overwrite(file)
        return predict(self, source, *arguments)

    monkeypatch.setattr(Predictor, "_predicted", disturbed)
    words = ["--bundle", str(random_bundle), "-o", str(tmp_path / "out"), "--num-slices", "4"]

    assert main(["predict", str(tmp_path / "studies"), *words]) == 1
    (error,) = json.loads((tmp_path / "out" / "errors.json").read_text())["errors"]
    assert error["error"] == f"ValueError: {error['case']}: {CHANGED}"
    assert len(list((tmp_path / "out").glob("case-*/result.json"))) == 2

    monkeypatch.undo()
    assert main(["predict", str(tmp_path / "studies"), *words]) == 0
