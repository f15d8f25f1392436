"""Float Pixel Data and Double Float Pixel Data are read as the numbers that they are."""

import numpy as np
import pytest
import torch
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from monai_das.data import open_source


def as_floats(folder, keyword, syntax=ExplicitVRLittleEndian, **more):
    """Write a seventh of the pixels of a series in their place."""
    kind = "<f4" if keyword == "FloatPixelData" else "<f8"
    for path in sorted(folder.iterdir()):
        tags = dcmread(path)
        values = tags.pixel_array
        del tags.PixelData, tags.PixelRepresentation
        tags.BitsAllocated = tags.BitsStored = 8 * int(kind[-1])
        tags.HighBit = tags.BitsStored - 1
        setattr(tags, keyword, (values / 7).astype(kind).tobytes())
        for name, value in more.items():
            setattr(tags, name, value)
        tags.file_meta.TransferSyntaxUID = syntax
        tags.save_as(path, enforce_file_format=True)


@pytest.mark.parametrize("keyword", ["FloatPixelData", "DoubleFloatPixelData"])
@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian], ids=lambda one: one.name
)
def test_floats_are_read_as_floats(series, keyword, syntax):
    expected = torch.from_numpy(np.float32(open_source(series).read_all().numpy() / 7))
    as_floats(series, keyword, syntax)

    source = open_source(series)

    assert torch.equal(source.read([2, 0]), expected[..., [2, 0]])
    assert source.thumbnails(4).abs().max() < 20


def test_floats_are_rescaled(series):
    expected = torch.from_numpy(open_source(series).read_all().numpy() / 7 * 2 + 0.5)
    as_floats(series, "FloatPixelData", RescaleSlope="2", RescaleIntercept="0.5")

    assert torch.allclose(open_source(series).read_all().as_tensor(), expected)


@pytest.mark.parametrize("tags", [{"PhotometricInterpretation": "MONOCHROME1"}, {"BitsAllocated": 64}])
def test_floats_of_another_kind_are_refused(series, tags):
    as_floats(series, "FloatPixelData", **tags)

    with pytest.raises(ValueError, match=r"Float Pixel Data \(7FE0,0008\) must be MONOCHROME2 with BitsAllocated"):
        open_source(series)


def test_32_bits_that_may_be_either_are_refused(series, edit):
    for path in series.iterdir():
        pixels = dcmread(path).pixel_array.astype("<i4").tobytes()
        edit(path, BitsAllocated=32, BitsStored=32, HighBit=31, PixelRepresentation=None, PixelData=pixels)

    with pytest.raises(ValueError, match=r"PixelRepresentation \(0028,0103\) is missing for 32 bits, .* \(7FE0,0008\)"):
        open_source(series)
