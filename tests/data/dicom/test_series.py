import shutil

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from monai_das.data import StudyError, dicom_slice_refs, read_volume
from monai_das.datasets import write_dicom_series


def files_of(folder):
    return sorted(folder.iterdir())


@pytest.fixture
def two_series(series, volume, edit):
    """A folder with two series, the second with twice the values; and their UIDs."""
    write_dicom_series(volume * 2, series / "more", spacing=(2.0, 3.0, 4.0))
    for file in files_of(series / "more"):
        edit(file, SeriesDescription="T2")
        shutil.move(file, series / f"B{file.name}")
    (series / "more").rmdir()
    uids = {dcmread(file).SeriesDescription: str(dcmread(file).SeriesInstanceUID) for file in files_of(series)}
    return series, uids["monai-das sample"], uids["T2"]


@pytest.fixture
def two_echoes(series, edit):
    """A folder with one series of two echoes, at 4 positions each."""
    for file in files_of(series):
        copy = shutil.copy(file, series / f"B{file.name}")
        edit(file, EchoNumbers=1)
        edit(copy, EchoNumbers=2, SOPInstanceUID=generate_uid())
    return series


def test_a_series_is_chosen_by_its_uid(two_series, volume):
    folder, first, second = two_series

    one, other = (read_volume(folder, {"SeriesInstanceUID": uid}) for uid in (first, second))

    assert np.array_equal(one.image * 2, other.image)
    assert len(one.refs) == len(other.refs) == volume.shape[2]
    assert not {ref.sop_instance_uid for ref in one.refs} & {ref.sop_instance_uid for ref in other.refs}


def test_two_series_are_listed_with_uids_counts_and_descriptions(two_series):
    folder, first, second = two_series

    with pytest.raises(StudyError, match=r"2 series in one folder.*, or choose one by its ") as caught:
        dicom_slice_refs(folder)
    assert "T2" not in str(caught.value)
    assert "T2" in caught.value.finding.texts
    with pytest.raises(ValueError, match=rf"{first} \(4 images\)"):
        dicom_slice_refs(folder)
    with pytest.raises(ValueError, match=rf"{second} \(4 images\)"):
        dicom_slice_refs(folder)


def test_two_echoes_are_listed_and_chosen(two_echoes):
    with pytest.raises(
        ValueError,
        match=r"8 slices at 4 positions.*choose one by EchoNumbers: 1 \(4 images\), 2 .* \(--echo\)",
    ):
        dicom_slice_refs(two_echoes)

    assert len(dicom_slice_refs(two_echoes, {"EchoNumbers": 2})) == 4


def test_stacks_that_no_tag_tells_apart_are_only_counted(two_echoes, edit):
    for file in files_of(two_echoes):
        edit(file, EchoNumbers=None)

    with pytest.raises(ValueError, match=r"8 slices at 4 positions.*one folder or file for each .BIM.*, IM00002.dcm.$"):
        dicom_slice_refs(two_echoes)


def test_a_choice_that_fits_nothing_lists_what_is_there(two_echoes):
    with pytest.raises(
        ValueError, match=r"no image with EchoNumbers 3; there are 1 \(4 images\), 2 \(4 .*: choose one"
    ):
        dicom_slice_refs(two_echoes, {"EchoNumbers": 3})


def test_a_long_list_of_values_is_cut(two_echoes, edit):
    for number, file in enumerate(files_of(two_echoes)):
        edit(file, EchoNumbers=number)

    with pytest.raises(ValueError, match=r"there are 0 \(1 images\), .*, 5 \(1 images\), 2 more: choose one"):
        dicom_slice_refs(two_echoes, {"EchoNumbers": 9})


def test_several_values_are_joined_as_in_dicom(series):
    assert len(dicom_slice_refs(series, {"ImageType": "DERIVED\\SECONDARY\\OTHER"})) == 4


def test_one_image_twice_is_named(series):
    shutil.copy(files_of(series)[1], series / "copy.dcm")

    with pytest.raises(ValueError, match=r"two files are one image twice.*; delete the copies .IM00001.dcm, copy.dcm"):
        dicom_slice_refs(series)
