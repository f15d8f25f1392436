"""JPEG-LS by CharLS itself equals JPEG-LS by its plug-in, by one thread and by several."""

import _ctypes
import threading
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

pytest.importorskip("jpeg_ls")

from monai_das.data import DICOMSource, memory_limit
from monai_das.data.dicom import charls as library
from monai_das.data.dicom import decode
from monai_das.data.dicom import source as module
from monai_das.data.dicom.charls import charls, charls_frame
from monai_das.datasets import compress_dicom_series, write_dicom_series


@pytest.fixture
def without_charls(monkeypatch):
    """Return a function that leaves JPEG-LS to the plug-in from then on."""
    return lambda: monkeypatch.setattr(decode, "charls", lambda: None)


@pytest.fixture
def jpeg_ls(tmp_path):
    """A folder with a JPEG-LS series of 40 x 36 pixels and 12 slices."""
    x, y, z = np.mgrid[:40, :36, :12]
    values = (300 * np.sin(x / 7 + z) * np.cos(y / 5) - 100).astype(np.int16)
    write_dicom_series(values, tmp_path / "series")
    compress_dicom_series(tmp_path / "series", "jpegls")
    return tmp_path / "series"


@pytest.fixture
def threads(monkeypatch):
    """The threads that decode, of which there may be three, whatever machine this is."""
    found, real = [], module.decode_frame
    monkeypatch.setattr(module, "processors", lambda: 3)
    monkeypatch.setattr(
        module, "decode_frame", lambda *where: (found.append(threading.current_thread()), real(*where))[1]
    )
    return found


def first_frame(path):
    return decode.decode_frame(*DICOMSource(path)._places[0])


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("stored", [5, 8, 12, 16])
def test_a_picture_is_what_the_plugin_makes_of_it(jpeg_ls, edit, without_charls, photometric, signed, stored):
    write_dicom_series(np.zeros((40, 36, 1), np.int16), jpeg_ls.with_name("one"))
    (path,) = jpeg_ls.with_name("one").iterdir()
    reach = np.arange(36 * 40) % 2**stored - (2 ** (stored - 1) if signed else 0)
    bits = {"BitsStored": stored, "HighBit": stored - 1, "PixelRepresentation": signed}
    edit(
        path,
        PixelData=reach.astype("<i2" if signed else "<u2").tobytes(),
        PhotometricInterpretation=photometric,
        **bits,
    )
    compress_dicom_series(path.parent, "jpegls")
    found = first_frame(path)

    without_charls()

    expected = first_frame(path)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype
    assert len(np.unique(found)) == min(2**stored, 36 * 40)


@pytest.mark.parametrize("signed", [0, 1])
def test_a_picture_of_more_bits_than_the_header_says_is_what_the_plugin_makes_of_it(
    jpeg_ls, edit, without_charls, signed
):
    path = sorted(jpeg_ls.iterdir())[0]
    edit(path, BitsStored=9, HighBit=8, PixelRepresentation=signed)
    found = first_frame(path)

    without_charls()

    np.testing.assert_array_equal(found, first_frame(path))


def test_colour_is_left_to_the_plugin():
    source = DICOMSource(get_testdata_file("SC_rgb_jls_lossy_line.dcm"))

    assert not decode.by_charls(source._places[0][0])
    assert source.read([0]).shape[0] == 3


@pytest.mark.parametrize("act", ["read", "thumbnails"])
def test_threads_read_what_one_reads(jpeg_ls, threads, monkeypatch, act):
    def values():
        source = DICOMSource(jpeg_ls)
        return source.read([7, *range(12)]) if act == "read" else source.thumbnails(9)

    several = values()

    assert threading.main_thread() not in threads
    monkeypatch.setattr(module, "processors", lambda: 1)
    threads.clear()
    assert torch.equal(values(), several)
    assert len(set(threads)) == 1


@pytest.mark.parametrize("syntax", ["raw", "rle", "j2k"])
def test_one_thread_reads_what_several_would_not_read_faster(tmp_path, threads, syntax):
    write_dicom_series(np.zeros((40, 36, 3), np.int16), tmp_path / "series")
    if syntax != "raw":
        compress_dicom_series(tmp_path / "series", syntax)

    DICOMSource(tmp_path / "series").read([0, 1, 2])

    assert set(threads) == {threading.main_thread()}


def test_no_more_slices_are_decoded_at_once_than_fit(jpeg_ls, threads):
    source = DICOMSource(jpeg_ls)

    with memory_limit(2 * 8 * 4 * 40 * 36 - 1):
        source.read([0, 1])

    assert len(set(threads)) == 1


@pytest.mark.parametrize("act", ["read", "thumbnails"])
def test_of_several_damaged_slices_the_first_is_named(jpeg_ls, threads, act):
    files = DICOMSource(jpeg_ls).files
    for place in (4, 5, 9):
        found = dcmread(files[place])
        found.PixelData = encapsulate([found.PixelData[16:200] + b"\xff\xd9"])
        found.save_as(files[place])
    source = DICOMSource(jpeg_ls)

    with pytest.raises(ValueError, match=rf"{files[4].name}: the pixels of frame 1 cannot be decoded") as error:
        source.read(range(12)) if act == "read" else source.thumbnails(9)

    assert error.value.finding.texts[0]


def test_a_picture_of_another_size_is_refused(jpeg_ls):
    data = decode.encoded_frame(*DICOMSource(jpeg_ls)._places[0])

    with pytest.raises(ValueError, match=r"^1 components of 36 rows and 40 columns, 30 rows and 40 columns expected"):
        charls_frame(data, (30, 40), 16, signed=True)


@pytest.mark.parametrize("origin", [None, _ctypes.__file__, __file__], ids=["nothing", "another", "no library"])
def test_where_charls_shows_no_functions_the_plugin_decodes(jpeg_ls, monkeypatch, origin):
    expected = first_frame(sorted(jpeg_ls.iterdir())[0])
    spec = None if origin is None else find_spec("_ctypes")
    if spec is not None:
        spec.origin = origin
    monkeypatch.setattr(library, "find_spec", lambda _: spec)
    charls.cache_clear()

    try:
        assert charls() is None
        np.testing.assert_array_equal(first_frame(sorted(jpeg_ls.iterdir())[0]), expected)
    finally:
        charls.cache_clear()
