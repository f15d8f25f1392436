"""Series as scanners and archives really leave them, opened as a source; what cannot be one stack says why."""

import shutil

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from monai_das.data import open_source
from monai_das.datasets import write_dicom_series, write_nifti
from tests.data.independent_reader import by_itk


def by_height(folder):
    """The files of a series from feet to head."""
    return sorted(folder.iterdir(), key=lambda file: float(dcmread(file).ImagePositionPatient[2]))


@pytest.fixture
def move(series, edit):
    """Give the slices, from the lowest to the highest, these positions; return the folder."""

    def place(positions):
        for file, position in zip(by_height(series), positions, strict=True):
            edit(file, ImagePositionPatient=list(position))
        return series

    return place


def assert_equal_to_itk(source, files):
    values, affine = by_itk(files)
    for index in range(len(source)):
        np.testing.assert_array_equal(source.read([index])[..., 0], values[..., index])
    np.testing.assert_allclose(source.affine[:3, :2], affine[:3, :2], atol=1e-6)
    np.testing.assert_allclose(source.affine[:3, 3], affine[:3, 3], atol=1e-6)
    return affine


def test_names_and_numbers_in_reversed_order_make_no_difference(series, edit):
    files = by_height(series)
    before = open_source(series).read_all()
    for number, file in enumerate(files):
        edit(file, InstanceNumber=len(files) - number)
        file.rename(series / f"{len(files) - number}.dcm")

    source = open_source(series)

    np.testing.assert_array_equal(source.read_all(), before)
    affine = assert_equal_to_itk(source, by_height(series))
    np.testing.assert_allclose(source.affine, affine)


def test_anisotropic_pixels_keep_columns_and_rows_apart(tmp_path, volume):
    write_dicom_series(volume, tmp_path, spacing=(0.5, 2.0, 2.5))

    source = open_source(tmp_path)

    np.testing.assert_allclose(source.affine, assert_equal_to_itk(source, by_height(tmp_path)))
    np.testing.assert_allclose(np.abs(np.diag(source.affine)), [0.5, 2.0, 2.5, 1.0])


def test_a_tilted_series_is_read_with_its_shear_and_says_so(move):
    shift = 4.0 * np.tan(np.radians(15.0))

    source = open_source(move([(0.0, shift * index, 4.0 * index) for index in range(4)]))

    assert source.warnings == ("irregular stack of slices: gantry tilt of 15.00 degrees",)
    # ITK, which knows no shear, puts the slices along the normal
    assert_equal_to_itk(source, by_height(move([(0.0, shift * index, 4.0 * index) for index in range(4)])))
    np.testing.assert_allclose(source.affine[:3, 2], [0.0, -shift, 4.0])


def test_uneven_spacing_is_read_and_told(move):
    source = open_source(move([(0.0, 0.0, height) for height in (0, 4, 9.5, 13.5)]))

    assert_equal_to_itk(source, by_height(move([(0.0, 0.0, height) for height in (0, 4, 9.5, 13.5)])))
    (warning,) = source.warnings
    assert "uneven spacing, 4 to 5.5 mm with a median of 4 mm, first after slice 1" in warning


def test_a_gap_is_read_and_told(move):
    source = open_source(move([(0.0, 0.0, height) for height in (0, 4, 8, 16)]))

    assert source.warnings == ("irregular stack of slices: 1 slices missing (1 after slice 2)",)
    assert len(source) == 4


def test_a_regular_series_has_no_warning(series):
    assert open_source(series).warnings == ()


def copied(series, edit):
    shutil.copy(by_height(series)[1], series / "copy.dcm")


def twice(series, edit):
    edit(shutil.copy(by_height(series)[1], series / "again.dcm"), SOPInstanceUID=generate_uid())


def mixed(series, edit):
    edit(by_height(series)[0], SeriesInstanceUID="1.2.3")


def turned(series, edit):
    edit(by_height(series)[2], ImageOrientationPatient=[0, 1, 0, 0, 0, -1])


def resized(series, edit):
    edit(by_height(series)[1], Rows=3, PixelData=bytes(36))


def unplaced(series, edit):
    edit(by_height(series)[2], ImagePositionPatient=None)


def cut_off(series, edit):
    file = by_height(series)[1]
    file.write_bytes(file.read_bytes()[:400])


def without_pixels(series, edit):
    for file in by_height(series):
        edit(file, PixelData=None, Rows=None, Columns=None, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
        found = dcmread(file)
        found.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
        found.save_as(file)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (copied, r"two files are one image twice, SOPInstanceUID .*; delete the copies .*copy.dcm"),
        (twice, r"5 slices at 4 positions, so several time points, echoes or copies; .* share ImagePositionPatient"),
        (
            mixed,
            r"2 series in one folder, SeriesInstanceUID 1.2.3 \(1 images\), .* or choose one by its SeriesInstance",
        ),
        (turned, r"slices of different orientation, ImageOrientationPatient \(0020,0037\) is .*; split them first"),
        (resized, r"slices of different size, .* rows and columns in .*; split them first"),
        (unplaced, r"ImagePositionPatient \(0020,0032\) must be 3 numbers, got None; .* repair it"),
        (cut_off, r"the DICOM header .*; .*copy (it|the file) again"),
        (without_pixels, r"a folder without DICOM images; give a NIfTI file, a DICOM file, or a folder"),
    ],
)
def test_each_bad_series_has_its_own_message(series, edit, spoil, message):
    spoil(series, edit)

    with pytest.raises(ValueError, match=message):
        open_source(series)


def test_a_time_point_that_is_not_there_is_named(series, edit):
    for number, file in enumerate(by_height(series)):
        edit(file, InstanceNumber=number)
        copy = shutil.copy(file, series / f"B{file.name}")
        edit(copy, InstanceNumber=10 + number, SOPInstanceUID=generate_uid())

    with pytest.raises(ValueError, match=r"no time_point 2; there are 0 to 1: choose one"):
        open_source(series, {"time_point": 2})
    assert len(open_source(series, {"time_point": 1})) == 4


def test_time_points_that_cannot_be_counted_are_refused(series, edit):
    twice(series, edit)

    with pytest.raises(ValueError, match=r"no time_point to choose, as places have different numbers of images"):
        open_source(series, {"time_point": 0})


def test_nifti_has_only_time_points_to_choose_by(tmp_path, volume):
    write_nifti(volume, tmp_path / "a.nii")

    with pytest.raises(ValueError, match=r"a.nii: NIfTI has no EchoNumbers to choose by; only time_point"):
        open_source(tmp_path / "a.nii", {"EchoNumbers": 1})
    with pytest.raises(ValueError, match=r"a.nii: no time_point 1; there are 0 to 0: choose one"):
        open_source(tmp_path / "a.nii", {"time_point": 1})
