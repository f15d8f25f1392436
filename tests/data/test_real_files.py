"""Real scans and the files in the wheels, pixels and affine, slice by slice, against SimpleITK."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom import dcmread

from monai_das.data import NIfTISource, WholeSource, open_source
from monai_das.data.dicom import image_header
from monai_das.data.dicom.decode import decode_frame
from monai_das.data.dicom.pixel_file import PixelFile
from tests.data.independent_reader import by_itk

NIBABEL_DATA = Path(nibabel.__file__).parent / "tests" / "data"
VOLUMES = [
    "anatomical.nii",
    "reoriented_anat_moved.nii",
    "resampled_anat_moved.nii",
    "standard.nii.gz",
]
# example_nifti2.nii.gz is NIfTI-2, which ITK does not read
SERIES_OF_TIME_POINTS = ["functional.nii", "example4d.nii.gz"]


def assert_equal_slices(source, values, affine, tolerance=1e-4):
    assert len(source) == values.shape[3]
    for index in range(len(source)):
        # ITK reads NaN as 0, we as what it is
        np.testing.assert_allclose(np.nan_to_num(source.read([index])[..., 0].numpy()), values[..., index], rtol=1e-6)
    np.testing.assert_allclose(source.affine, affine, atol=tolerance)


@pytest.mark.parametrize("name", VOLUMES)
def test_nifti_volumes_equal_itk_slice_by_slice(name):
    source = open_source(NIBABEL_DATA / name)

    assert isinstance(source, WholeSource if name.endswith(".gz") else NIfTISource)
    assert_equal_slices(source, *by_itk(NIBABEL_DATA / name))


@pytest.mark.parametrize("name", SERIES_OF_TIME_POINTS)
def test_time_points_of_nifti_equal_itk_slice_by_slice(name):
    values, affine = by_itk(NIBABEL_DATA / name)
    count, depth = nibabel.load(NIBABEL_DATA / name).shape[3], nibabel.load(NIBABEL_DATA / name).shape[2]
    values = values.reshape(*values.shape[:2], depth, count)

    for point in (0, count - 1):
        source = open_source(NIBABEL_DATA / name, {"time_point": point})
        assert_equal_slices(source, values[None, ..., point], affine)


@pytest.mark.parametrize("number", [4, 5, 6, 7])
def test_time_points_of_the_ge_series_equal_itk_slice_by_slice(data_root, number):
    folder = data_root / "dicom_nih" / "20180918GE" / f"mr_{number:04d}"
    files = sorted(folder.glob("*.dcm"))
    tags = {file: dcmread(file, stop_before_pixels=True) for file in files}

    for point in (0, 9):
        # the scanner wrote one time point after the other
        mine = files[15 * point : 15 * (point + 1)]
        source = open_source(folder, {"time_point": point})
        order = [
            next(file for file in mine if tags[file].SOPInstanceUID == ref.sop_instance_uid) for ref in source.refs
        ]
        assert_equal_slices(source, *by_itk(order))


def test_the_message_for_the_ge_series_says_how_to_choose(data_root):
    with pytest.raises(ValueError, match=r"150 slices at 15 positions.*choose one by time_point: 0 to 9 \(15 images"):
        open_source(data_root / "dicom_nih" / "20180918GE" / "mr_0005")


@pytest.mark.parametrize("number", [3, 4, 5, 6])
def test_siemens_mosaics_are_refused_though_their_pictures_equal_itk(data_root, number):
    """All slices of a mosaic lie in one picture: there is no stack to compare, only the picture and its plane."""
    for file in sorted((data_root / "dicom_nih" / "20180918Si" / f"mr_{number:04d}").glob("*.dcm")):
        values, _ = by_itk(file)

        np.testing.assert_array_equal(decode_frame(PixelFile(image_header(file)), 0).T, values[0, :, :, 0])
        with pytest.raises(
            ValueError,
            match=r"a Siemens mosaic, all slices in one picture, by ImageType",
        ):
            open_source(file)
