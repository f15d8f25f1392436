import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.data import ITKReader
from pydicom import dcmread
from pydicom.data import get_testdata_file

from monai_das.data import read_volume
from monai_das.data.dicom.itk_decode import loaded_itk
from monai_das.datasets import write_nifti
from monai_das.transforms import SliceAxis

NIBABEL_DATA = Path(nibabel.__file__).parent / "tests" / "data"


def first_time_point(data_root, folder):
    """Copy the first 15 files, one volume, of the real GE series."""
    source = data_root / "dicom_nih" / "20180918GE" / "mr_0007"
    for file in sorted(source.glob("*.dcm"))[:15]:
        shutil.copy(file, folder)
    return folder


def test_nifti_and_dicom_of_one_volume_become_one_array(tmp_path, series, volume):
    write_nifti(volume, tmp_path / "volume.nii.gz", spacing=(2.0, 3.0, 4.0))

    nifti, dicom = read_volume(tmp_path / "volume.nii.gz"), read_volume(series)
    turned = [SliceAxis("acquired")(case.image) for case in (nifti, dicom)]

    assert (nifti.kind, dicom.kind) == ("nifti", "dicom_series")
    for image in turned:
        assert image.dtype == torch.float32
        assert np.array_equal(image[0], volume)
        assert torch.equal(image.affine, torch.diag(torch.tensor([2.0, 3.0, 4.0, 1.0], dtype=torch.float64)))


def test_refs_lie_where_the_affine_says(series):
    for case in (read_volume(series), read_volume(NIBABEL_DATA / "anatomical.nii")):
        places = np.stack([[0, 0, index, 1] for index in range(len(case.refs))], axis=1)
        ras = (np.asarray(case.image.affine) @ places)[:3].T

        assert np.allclose([ref.position_mm for ref in case.refs], ras * [-1, -1, 1])
        assert case.image.shape[-1] == len(case.refs)


def test_a_real_series_equals_itks_and_its_refs_follow(data_root, tmp_path):
    loaded_itk()
    reader = ITKReader()
    values, meta = reader.get_data(reader.read(first_time_point(data_root, tmp_path)))

    case = read_volume(tmp_path)

    assert np.array_equal(case.image[0], values)
    assert np.allclose(case.image.affine, meta["affine"], atol=1e-4)
    by_uid = {str(tags.SOPInstanceUID): tags for tags in map(dcmread, tmp_path.iterdir())}
    for ref in case.refs:
        tags = by_uid[ref.sop_instance_uid]
        assert np.array_equal(case.image[0, :, :, ref.index].T, tags.pixel_array)
        assert ref.position_mm == tuple(tags.ImagePositionPatient)


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm"])
def test_real_slices_equal_pydicoms_rescaled_values(name):
    tags = dcmread(get_testdata_file(name))
    values = tags.pixel_array * float(tags.get("RescaleSlope", 1)) + float(tags.get("RescaleIntercept", 0))

    case = read_volume(get_testdata_file(name))

    assert case.image.shape == (1, *values.T.shape, 1)
    assert np.array_equal(case.image[0, :, :, 0].T, values)


def test_a_real_colour_clip_has_three_channels():
    frames = dcmread(get_testdata_file("examples_ybr_color.dcm")).pixel_array

    case = read_volume(get_testdata_file("examples_ybr_color.dcm"))

    assert case.image.shape == (3, 320, 240, 30)
    assert case.kind == "dicom_multiframe"
    assert not case.has_anatomy
    assert torch.equal(case.image.affine, torch.eye(4, dtype=torch.float64))
    assert np.array_equal(case.image, frames.transpose(3, 2, 1, 0))


def test_a_clip_keeps_its_frames_in_time(make_clip):
    path = make_clip(FrameTime=40)

    case = read_volume(path)

    assert np.array_equal(case.image[0], dcmread(path).pixel_array.transpose(2, 1, 0))
    assert torch.equal(SliceAxis("acquired")(case.image).as_tensor(), case.image.as_tensor())


def test_enhanced_frames_are_put_in_order_with_their_affine(make_enhanced):
    path = make_enhanced()

    case = read_volume(path)

    pixels = dcmread(path).pixel_array
    assert np.array_equal(case.image[0], (pixels * 2.0 - 10.0)[[1, 3, 2, 0]].transpose(2, 1, 0))
    assert np.allclose(case.image.affine, [[-2.5, 0, 0, 7], [0, -1.5, 0, 8], [0, 0, 3, 0], [0, 0, 0, 1]])
    assert case.has_anatomy


def test_meta_holds_no_patient_data(make_clip):
    meta = read_volume(make_clip(PatientName="Doe^Jane")).image.meta

    assert "Doe" not in str(meta)


@pytest.mark.parametrize("number", [1, 3])
def test_pixels_cut_off_are_named_with_their_file(series, number):
    file = series / f"IM0000{number}.dcm"
    file.write_bytes(file.read_bytes()[:-20])

    with pytest.raises(
        ValueError, match=rf"IM0000{number}.dcm: the pixels cannot be decoded, 60 bytes .* copy it again"
    ):
        read_volume(series)


def test_colour_of_16_bits_equals_pydicoms():
    path = get_testdata_file("SC_rgb_rle_16bit_2frame.dcm")

    np.testing.assert_array_equal(read_volume(path).image, dcmread(path).pixel_array.transpose(3, 2, 1, 0))
