"""High-Throughput JPEG 2000: read whole and at reduced resolution, as JPEG 2000 is."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import UID

pytest.importorskip("openjpeg")

from monai_das.data import DICOMSource
from monai_das.data.dicom import reduced
from monai_das.datasets import write_dicom_series
from monai_das.transforms import make_thumbnails

CODESTREAMS = Path(__file__).parent / "htj2k"
ROWS, COLUMNS = 96, 80
GREY = ("grey0", "grey1", "grey2")


def grey_values():
    """The values of the grey codestreams, ``(rows, columns, 3)``."""
    x, y, z = np.mgrid[:ROWS, :COLUMNS, :3]
    return (300 * np.sin(x / 7 + z) * np.cos(y / 5) - 100).astype(np.int16)


def pack(path, names, syntax, **tags):
    """Put codestreams in the place of the pixels of a file."""
    found = dcmread(path)
    found.PixelData = encapsulate([(CODESTREAMS / f"{name}.j2c").read_bytes() for name in names])
    found["PixelData"].is_undefined_length = True
    found.file_meta.TransferSyntaxUID = UID(f"1.2.840.10008.1.2.4.{syntax}")
    for keyword, value in tags.items():
        setattr(found, keyword, value)
    found.save_as(path)


def series(tmp_path, make_clip, syntax):
    """Return a series of three slices, and its values as ``(1, columns, rows, 3)``."""
    write_dicom_series(np.zeros((COLUMNS, ROWS, 3), np.int16), tmp_path / "series")
    for name, file in zip(GREY, DICOMSource(tmp_path / "series").files, strict=True):
        pack(file, [name], syntax)
    return DICOMSource(tmp_path / "series"), grey_values().transpose(1, 0, 2)[None]


def clip(tmp_path, make_clip, syntax):
    """Return one object of three frames, and its values as ``(1, columns, rows, 3)``."""
    path = make_clip()
    pack(path, GREY, syntax, NumberOfFrames=3, Rows=ROWS, Columns=COLUMNS, PixelRepresentation=1)
    return DICOMSource(path), grey_values().transpose(1, 0, 2)[None]


def colour(tmp_path, make_clip, syntax):
    """Return one object of a colour frame, and its values as ``(3, columns, rows, 1)``."""
    path = make_clip()
    tags = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": "YBR_RCT"}
    bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    pack(path, ["colour"], syntax, NumberOfFrames=1, Rows=ROWS, Columns=COLUMNS, **tags, **bits)
    x, y = np.mgrid[:ROWS, :COLUMNS]
    values = (300 * np.sin(x / 7) * np.cos(y / 5) + 500).astype(np.uint16) >> 2
    return DICOMSource(path), np.stack([values.T] * 3)[..., None]


@pytest.fixture(params=[201, 202, 203], ids=["lossless", "RPCL", "lossy"])
def syntax(request):
    return request.param


@pytest.fixture(params=[series, clip, colour], ids=lambda make: make.__name__)
def packed(request, tmp_path, make_clip, syntax):
    """A source of each kind, and its values."""
    return request.param(tmp_path, make_clip, syntax)


def test_whole_slices_have_the_values_that_were_encoded(packed):
    source, values = packed

    np.testing.assert_array_equal(source.read(range(len(source))), values)


def test_thumbnails_are_of_a_coarse_level_and_near_the_exact_ones(packed):
    source, values = packed
    exact = make_thumbnails(torch.from_numpy(values.astype(np.float32))[None], 20)[0]

    small = source.thumbnails(20)

    assert not source.exact_thumbnails
    assert float((small - exact).abs().mean()) < 0.05 * float(exact.std())
    assert (float(small.min()), float(small.max())) == (float(exact.min()), float(exact.max()))


def test_a_coarse_level_is_of_reduced_size(tmp_path, make_clip):
    source, _ = clip(tmp_path, make_clip, 201)

    assert reduced.reduced_frame(*source._places[0], 20).shape == (ROWS // 4, COLUMNS // 4)


def test_without_plugins_itk_decodes(packed, monkeypatch):
    source, values = packed
    monkeypatch.setattr("monai_das.data.dicom.decode.PLUGINS", ())

    np.testing.assert_array_equal(source.read(range(len(source))), values)
