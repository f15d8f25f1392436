import os
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
import torch
from pydicom import dcmread
from pydicom.data import get_testdata_file

from monai_das.data import DICOMSource, NIfTISource, open_source
from monai_das.data.dicom import source as module
from monai_das.data.dicom.decode import plugin_for
from monai_das.datasets import compress_dicom_series, write_dicom_series, write_nifti
from tests.data.independent_reader import by_itk

for name in ("SimpleITK", "pylibjpeg", "jpeg_ls", "gdcm"):
    pytest.importorskip(name)

REAL = [
    "CT_small.dcm",
    "MR_small.dcm",
    "693_J2KI.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "SC_rgb_jpeg.dcm",
    "image_dfl.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "examples_palette.dcm",
    "examples_ybr_color.dcm",
    "JPGExtended.dcm",
    "JPEG-lossy.dcm",
    "rtdose.dcm",
]


# SC_rgb_jpeg.dcm is implicit where its meta header says explicit
@pytest.mark.filterwarnings("ignore:Expected explicit VR, but found implicit VR:UserWarning")
@pytest.mark.parametrize("name", REAL)
def test_real_files_equal_itk_slice_by_slice(name):
    path = Path(pydicom.data.__file__).parent / "test_files" / name
    values, affine = by_itk(str(path))

    source = open_source(path)

    assert len(source) == values.shape[3]
    for index in range(len(source)):
        np.testing.assert_array_equal(source.read([index])[..., 0], values[..., index])
    if source.affine is not None:
        np.testing.assert_allclose(source.affine[:3, :2], affine[:3, :2], atol=1e-5)


@pytest.fixture(params=["raw", "rle", "jpegls", "j2k", "jpeg_lossless"])
def packed(request, tmp_path):
    """A series of 40 x 36 pixels with 3 slices in each transfer syntax, with its values."""
    x, y, z = np.mgrid[:40, :36, :3]
    values = (300 * np.sin(x / 7 + z) * np.cos(y / 5) - 100).astype(np.int16)
    write_dicom_series(values, tmp_path / "series", spacing=(2.0, 3.0, 4.0))
    if request.param != "raw":
        compress_dicom_series(tmp_path / "series", request.param)
    return DICOMSource(tmp_path / "series"), values[::-1, ::-1].copy()


def test_every_transfer_syntax_reads_the_same(packed):
    source, values = packed

    np.testing.assert_array_equal(source.read_all()[0], values)
    np.testing.assert_array_equal(source.read([2, 0])[0], values[..., [2, 0]])


def test_thumbnails_are_in_the_units_of_read(packed):
    source, values = packed

    small = source.thumbnails(9)

    assert small.shape == (1, 9, 9, 3)
    expected = module.make_thumbnails(torch.from_numpy(values)[None, None], 9)[0]
    assert float((small - expected).abs().mean()) < 0.1 * float(expected.std())


def test_only_the_chosen_frames_are_decoded(packed, monkeypatch):
    source, _ = packed
    calls = []
    real = module.decode_frame
    monkeypatch.setattr(module, "decode_frame", lambda *where: (calls.append(where), real(*where))[1])

    source.read([1])

    assert len(calls) == 1


def test_inverted_grey_equals_itk(series):
    for file in sorted(series.iterdir()):
        tags = dcmread(file)
        tags.PhotometricInterpretation = "MONOCHROME1"
        tags.save_as(file)
        np.testing.assert_array_equal(DICOMSource(file).read_all(), by_itk(str(file))[0])


def test_bits_above_those_stored_are_dropped(series, edit):
    file = sorted(series.iterdir())[0]
    edit(file, BitsStored=12, HighBit=11, PixelData=np.full(30, 0x7FFF, "<u2").tobytes())

    assert DICOMSource(file).read_all().unique().tolist() == [-1.0]


def test_each_slice_has_its_own_rescale(make_enhanced):
    values = by_itk(str(make_enhanced()))[0]

    np.testing.assert_array_equal(DICOMSource(make_enhanced()).read_all(), values[..., [1, 3, 2, 0]])


def test_one_enhanced_frame_has_the_rescale_and_place_of_its_groups(make_enhanced):
    path = make_enhanced((6.0,))

    source = DICOMSource(path)

    np.testing.assert_array_equal(source.read_all(), by_itk(str(path))[0])
    assert float(source.read_all().max()) == 29 * 2.0 - 10.0
    np.testing.assert_allclose(source.affine, [[-2.5, 0, 0, 7], [0, -1.5, 0, 8], [0, 0, 3, 6], [0, 0, 0, 1]])


def test_a_header_has_no_pixels(series):
    header = DICOMSource(series).header(2)

    assert header.SOPInstanceUID == DICOMSource(series).refs[2].sop_instance_uid
    assert "PixelData" not in header


def test_pixels_cut_off_are_named(series):
    file = sorted(series.iterdir())[1]
    os.truncate(file, file.stat().st_size - 20)

    with pytest.raises(ValueError, match=r"IM00001.dcm: the pixels cannot be decoded, 60 bytes of a frame .*, 40"):
        DICOMSource(series).read_all()


def test_without_plugins_itk_decodes(packed, monkeypatch):
    source, values = packed
    monkeypatch.setattr("monai_das.data.dicom.decode.PLUGINS", ())

    np.testing.assert_array_equal(source.read_all()[0], values)


@pytest.mark.parametrize(
    "tags", [{"PhotometricInterpretation": "MONOCHROME1"}, {"RescaleSlope": 2, "RescaleIntercept": -7}]
)
def test_what_itk_decodes_is_turned_and_rescaled_once(series, edit, tags, monkeypatch):
    edit(sorted(series.iterdir())[0], **tags)
    compress_dicom_series(series, "jpegls")
    expected = DICOMSource(sorted(series.iterdir())[0]).read_all()
    monkeypatch.setattr("monai_das.data.dicom.decode.PLUGINS", ())

    found = DICOMSource(sorted(series.iterdir())[0]).read_all()

    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found, by_itk(sorted(series.iterdir())[0])[0])


def test_itk_reads_all_frames_of_a_colour_clip(monkeypatch):
    path = get_testdata_file("SC_rgb_rle_2frame.dcm")
    expected = DICOMSource(path).read_all()
    monkeypatch.setattr("monai_das.data.dicom.decode.PLUGINS", ())

    np.testing.assert_array_equal(DICOMSource(path).read_all(), expected)


def test_the_fastest_plugin_is_taken():
    assert plugin_for("1.2.840.10008.1.2.4.80", ("gdcm", "pyjpegls")) == "pyjpegls"
    assert plugin_for("1.2.840.10008.1.2.4.50", ("gdcm", "pillow")) == "pillow"
    assert plugin_for("1.2.840.10008.1.2.4.90", ()) is None


def test_an_unknown_syntax_is_named(series):
    with pytest.raises(ValueError, match=r"syntax must be one of .* got 'mp3'"):
        compress_dicom_series(series, "mp3")


def test_damaged_j2k_is_named():
    with pytest.raises(ValueError, match=r"delimiter.dcm: frame 1 is a compressed picture of 1024 rows and \d+ col"):
        DICOMSource(get_testdata_file("JPEG2000-embedded-sequence-delimiter.dcm")).read_all()


def test_an_uncompressed_nifti_is_read_slice_by_slice(tmp_path, volume):
    write_nifti(volume, tmp_path / "a.nii", spacing=(2.0, 3.0, 4.0))
    write_nifti(volume, tmp_path / "a.nii.gz", spacing=(2.0, 3.0, 4.0))

    mapped, whole = open_source(tmp_path / "a.nii"), open_source(tmp_path / "a.nii.gz")

    assert isinstance(mapped, NIfTISource)
    assert mapped.refs == whole.refs
    np.testing.assert_array_equal(mapped.affine, whole.affine)
    torch.testing.assert_close(mapped.read_all().as_tensor(), whole.read_all().as_tensor())
    torch.testing.assert_close(mapped.thumbnails(3), whole.thumbnails(3))
