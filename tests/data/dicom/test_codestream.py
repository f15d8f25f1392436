"""A compressed picture that is not what the header says, or that is cut off, is refused before a decoder sees it."""

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames

from monai_das.data import open_source
from monai_das.data.dicom.codestream import coded_size, has_end

FILES = {
    "MR_small_jpeg_ls_lossless.dcm": (64, 64, 1),
    "JPEG2000.dcm": (1024, 256, 1),
    "SC_rgb_jpeg_dcmtk.dcm": (100, 100, 3),
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


# a file of each kind of compressed picture, and the transfer syntax that it is said to have
PICTURES = {
    "JPEG": ("SC_rgb_jpeg_dcmtk.dcm", "4.50"),
    "JPEG of 12 bits": ("JPEG-lossy.dcm", "4.51"),
    "lossless JPEG": ("SC_rgb_jpeg_gdcm.dcm", "4.70"),
    "JPEG-LS": ("MR_small_jpeg_ls_lossless.dcm", "4.80"),
    "near-lossless JPEG-LS": ("SC_rgb_jls_lossy_line.dcm", "4.81"),
    "lossless JPEG 2000": ("MR_small_jp2klossless.dcm", "4.90"),
    "JPEG 2000": ("examples_jpeg2k.dcm", "4.91"),
    "HTJ2K": ("examples_jpeg2k.dcm", "4.203"),
}


def changed(place, name, syntax=None, **tags):
    """Write the test file ``name`` of pydicom to ``place`` with other tags."""
    found = dcmread(get_testdata_file(name))
    for keyword, value in tags.items():
        setattr(found, keyword, value)
    if syntax is not None:
        found.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.{syntax}"
    found.save_as(place)
    return place


@pytest.mark.parametrize(("name", "syntax"), PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("tag", ["Rows", "Columns"])
@pytest.mark.parametrize("factor", [0.5, 2])
def test_sides_that_differ_are_both_named_before_anything_is_decoded(tmp_path, monkeypatch, name, syntax, tag, factor):
    tags = dcmread(get_testdata_file(name))
    path = changed(tmp_path / "a.dcm", name, syntax, **{tag: int(tags[tag].value * factor)})
    monkeypatch.setattr("monai_das.data.dicom.decode.itk_frame", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.as_array", lambda *_, **__: pytest.fail("decoded"))
    wanted = {"Rows": tags.Rows, "Columns": tags.Columns} | {tag: int(tags[tag].value * factor)}
    samples = tags.SamplesPerPixel
    picture = f"picture of {tags.Rows} rows and {tags.Columns} columns of {samples} samples"

    with pytest.raises(
        ValueError, match=f"{picture}, .* are {wanted['Rows']}, {wanted['Columns']} and {samples}; repair"
    ):
        open_source(path).read([0])


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jls_lossy_line.dcm", "examples_jpeg2k.dcm"])
def test_colours_in_a_picture_of_a_grey_header_are_refused(tmp_path, name):
    path = changed(tmp_path / "a.dcm", name, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2")

    with pytest.raises(ValueError, match=r"columns of 3 samples, but .* and 1; repair the header"):
        open_source(path).read([0])


def test_a_file_that_only_a_full_reader_reads_is_compared_too(tmp_path, monkeypatch):
    path = changed(tmp_path / "a.dcm", "SC_rgb_jpeg_dcmtk.dcm", Rows=50)
    monkeypatch.setattr("monai_das.data.dicom.headers.quick_header", lambda *_: None)

    with pytest.raises(ValueError, match="a compressed picture of 100 rows and 100 columns of 3 samples"):
        open_source(path).read([0])


# CharLS takes half a minute for some of them
@pytest.mark.parametrize("name", ["JPEGLSNearLossless_08.dcm", "MR_small_jpeg_ls_lossless.dcm"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.98])
def test_a_jpeg_ls_picture_without_its_end_is_cut_off(tmp_path, name, share):
    picture = next(generate_frames(dcmread(get_testdata_file(name)).PixelData, number_of_frames=1))
    cut = picture[: int(share * picture.rindex(b"\xff\xd9"))]
    path = changed(tmp_path / "a.dcm", name, PixelData=encapsulate([cut + bytes(len(cut) % 2)]))

    with pytest.raises(ValueError, match=r"a JPEG-LS picture without its end \(FF D9\); the file is cut off: copy it"):
        open_source(path).read([0])


def test_a_picture_may_be_padded_behind_its_end():
    assert has_end(b"\xff\xd8\xff\xda12\xff\xd9\0\0")
    assert not has_end(b"\xff\xd8\xff\xd9\xff\xda12")
