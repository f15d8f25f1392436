"""A compressed picture that is larger than the header says is refused before a decoder makes room for it."""

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames

from monai_das.data import open_source
from monai_das.data.dicom.codestream import coded_size

FILES = {
    "MR_small_jpeg_ls_lossless.dcm": (64, 64),
    "JPEG2000.dcm": (1024, 256),
    "SC_rgb_jpeg_dcmtk.dcm": (100, 100),
    "MR_small_RLE.dcm": None,
}


@pytest.mark.parametrize(("name", "size"), FILES.items())
def test_a_codestream_says_how_large_it_is(name, size):
    tags = dcmread(get_testdata_file(name))

    assert coded_size(next(generate_frames(tags.PixelData, number_of_frames=1))) == size


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xc0\0", b"\xff\x4f\xff\x51", b"no picture"])
def test_what_is_damaged_says_nothing(data):
    assert coded_size(data) is None


@pytest.mark.parametrize(("kind", "syntax"), [("JPEG", "4.50"), ("JPEG2000", "4.90")])
@pytest.mark.parametrize("act", ["read", "thumbnails"])
def test_a_picture_larger_than_its_header_says_is_refused(make_clip, tmp_path, kind, syntax, act):
    Image.fromarray(np.zeros((4000, 4000), np.uint8)).save(tmp_path / "large", kind)
    path = make_clip()
    tags = dcmread(path)
    tags.NumberOfFrames = 1
    tags.BitsAllocated = tags.BitsStored = 8
    tags.HighBit = 7
    tags.PixelData = encapsulate([(tmp_path / "large").read_bytes()])
    tags["PixelData"].is_undefined_length = True
    tags.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.{syntax}"
    tags.save_as(path)
    source = open_source(path)

    with pytest.raises(ValueError, match=r"clip.dcm: frame 1 is a compressed picture of 4000 rows and 4000 col"):
        source.read([0]) if act == "read" else source.thumbnails(2)
