"""Headers that describe no picture, or two kinds: each is an error that names file and tag, never a number made up."""

import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate

from monai_das.data import DICOMSource, open_source


def files_of(folder):
    return sorted(folder.iterdir())


def replaced(path, old, new):
    """Put ``new`` in place of the bytes ``old``, of the same length."""
    content = path.read_bytes()
    assert content.count(old) == 1
    assert len(old) == len(new)
    path.write_bytes(content.replace(old, new))


def written(path, keyword, text):
    """Write ``text`` into a tag of numbers, padded to the length that stands there."""
    tags = dcmread(path)
    old = tags.get_item(keyword).value
    replaced(path, keyword_head(tags, keyword) + old, keyword_head(tags, keyword) + text.encode().ljust(len(old)))


def keyword_head(tags, keyword):
    element = tags.get_item(keyword)
    return (
        element.tag.group.to_bytes(2, "little")
        + element.tag.element.to_bytes(2, "little")
        + b"DS"
        + (len(element.value).to_bytes(2, "little"))
    )


@pytest.fixture
def wide(series, edit):
    """The series, with numbers that are long enough to be written over."""
    for number, path in enumerate(files_of(series)):
        edit(
            path,
            PixelSpacing=["2.0000000", "3.0000000"],
            ImagePositionPatient=["-5.000000", "-6.000000", f"{number}.00000000"],
            RescaleSlope="1.000000",
            RescaleIntercept="0.000000",
            SliceThickness="4.000000",
        )
    return series


@pytest.mark.parametrize("place", [0, 2, 3])
@pytest.mark.parametrize(
    ("keyword", "text", "tag"),
    [
        ("PixelSpacing", "0,5\\0,7", "0028,0030"),
        ("PixelSpacing", "inf\\2", "0028,0030"),
        ("ImagePositionPatient", "nan \\-6.0\\14.0", "0020,0032"),
        ("ImagePositionPatient", "1_0\\-6.0\\14.0", "0020,0032"),
        ("ImageOrientationPatient", "1\\0\\0\\0\\?\\0", "0020,0037"),
        ("RescaleSlope", "one", "0028,1053"),
        ("RescaleIntercept", "-inf", "0028,1052"),
    ],
)
def test_a_number_that_is_none_is_named_with_file_and_tag(wide, place, keyword, text, tag):
    path = files_of(wide)[place]
    written(path, keyword, text)

    with pytest.raises(ValueError, match=rf"{path.name}: {keyword} \({tag}\) holds no number, or none that is finite"):
        open_source(wide)


@pytest.mark.parametrize(
    ("old", "new", "tag"),
    [
        (b"-7.0\\-8.0\\6.0", b"nan \\-8.0\\6.0", r"ImagePositionPatient \(0020,0032\)"),
        (b"1.5\\2.5", b"1,5\\2,5", r"PixelSpacing \(0028,0030\)"),
    ],
)
def test_numbers_of_functional_groups_are_checked_too(make_enhanced, old, new, tag):
    path = make_enhanced()
    replaced(path, old, new)

    with pytest.raises(ValueError, match=rf"enhanced.dcm: {tag} holds no number"):
        open_source(path)


@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_colour_picture_among_grey_ones_is_named(series, edit, place):
    path = files_of(series)[place]
    size = dcmread(path).Rows * dcmread(path).Columns
    edit(path, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0, PixelData=bytes(6 * size))

    with pytest.raises(
        ValueError,
        match=rf"series: grey and colour .* SamplesPerPixel .* is 1 in one file, 3 in another; split.*{path.name}",
    ):
        open_source(series)


def test_a_palette_picture_among_grey_ones_is_named(series, edit):
    path = files_of(series)[1]
    edit(path, PhotometricInterpretation="PALETTE COLOR")

    with pytest.raises(ValueError, match=rf"is 1 in one file, 1 and a palette in another; split.*{path.name}"):
        open_source(series)


@pytest.mark.parametrize("number", [100, 102, 103, 107])
def test_a_video_inside_dicom_is_refused_by_its_transfer_syntax(make_clip, number):
    path = make_clip()
    tags = dcmread(path)
    tags.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.4.{number}"
    tags.PixelData = encapsulate([b"no picture"])
    tags["PixelData"].is_undefined_length = True
    tags.save_as(path)

    with pytest.raises(ValueError, match=rf"clip.dcm: a video inside DICOM, .*\.{number}, .*; give the file, or"):
        DICOMSource(path)


@pytest.mark.parametrize("place", [0, 2])
@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"BitsAllocated": 12}, r"BitsAllocated \(0028,0100\) must be one of .*, is 12; repair the header"),
        ({"BitsStored": 17}, r"BitsStored \(0028,0101\) must be 1 to 16, .*, is 17; repair the header"),
        ({"BitsStored": 0}, r"BitsStored \(0028,0101\) must be 1 to 16, .*, is 0; repair the header"),
        ({"SamplesPerPixel": 2}, r"SamplesPerPixel \(0028,0002\) is 2, .*, MONOCHROME2, does not allow"),
        ({"SamplesPerPixel": 3}, r"SamplesPerPixel \(0028,0002\) is 3, .*, MONOCHROME2, does not allow"),
        ({"PhotometricInterpretation": "YBR_FULL"}, r"SamplesPerPixel .* is 1, .*, YBR_FULL, does not allow"),
    ],
)
def test_pixels_that_cannot_be_are_named(series, edit, place, tags, message):
    path = files_of(series)[place]
    edit(path, **tags)

    with pytest.raises(ValueError, match=f"{path.name}: {message}"):
        open_source(series)
