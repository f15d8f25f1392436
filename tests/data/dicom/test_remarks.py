"""What is read though it may not be as a reader expects is warned of, with tag and files."""

import re

import pytest
import torch
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import RLELossless

from monai_das.data import full_text, open_source, plain_text


def files_of(folder):
    return sorted(folder.iterdir())


def lut():
    found = Dataset()
    found.LUTDescriptor, found.ModalityLUTType = [4, 0, 16], "US"
    found.add_new("LUTData", "US", [0, 3, 6, 9])
    return [found]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (
            {"HighBit": 11},
            r"HighBit \(0028,0102\) is not BitsStored \(0028,0101\) - 1; values are taken",
        ),
        ({"RescaleSlope": "0"}, r"RescaleSlope \(0028,1053\) is 0 and counts as 1"),
        ({"ModalityLUTSequence": lut()}, r"a Modality LUT \(0028,3000\) is not applied"),
        ({"DoseGridScaling": "1e-3"}, r"DoseGridScaling \(3004,000E\) is not applied"),
    ],
)
def test_values_that_may_mean_something_else_are_warned_of(series, edit, tags, words):
    first, *_ = files_of(series)
    before = open_source(series).read_all()
    edit(first, **tags)

    source = open_source(series)

    (warning,) = source.warnings
    assert re.match(words + r".* \(1 of 4 files\) \[IM00000.dcm\]", warning)
    assert "IM0" not in plain_text(warning)
    assert torch.equal(source.read_all(), before)


def test_another_pixel_spacing_in_one_slice_is_warned_of(series, edit):
    edit(files_of(series)[2], PixelSpacing=[5.0, 2.0])

    (warning,) = open_source(series).warnings

    assert warning.startswith("PixelSpacing (0028,0030) is [5.0, 2.0] in 1 of 4 slices and [3.0, 2.0] in the others")
    assert full_text(warning).endswith("[IM00002.dcm]")


def test_pixels_that_are_not_square_by_their_aspect_are_warned_of(make_clip):
    (warning, *_) = open_source(make_clip(PixelAspectRatio=["4", "3"], BurnedInAnnotation="NO")).warnings

    assert warning.startswith("pixels are not square by PixelAspectRatio (0028,0034), and are taken as square")
    assert open_source(make_clip(PixelAspectRatio=["1", "1"], BurnedInAnnotation="NO")).warnings == ()


def test_one_uid_for_all_images_is_no_copy(series, edit):
    before = open_source(series).read_all()
    for file in files_of(series):
        edit(file, SOPInstanceUID="1.2.3")

    source = open_source(series)

    assert torch.equal(source.read_all(), before)
    assert source.warnings == (
        "4 images share 1 SOPInstanceUID (0008,0018), so no DICOM report can tell which slice it is about",
    )


def test_more_frames_than_their_number_says_are_warned_of(make_clip, series, edit):
    clip = make_clip(NumberOfFrames=3, BurnedInAnnotation="NO")
    first, *_ = files_of(series)
    edit(first, PixelData=dcmread(first).PixelData * 2)

    source, stack = open_source(clip), open_source(series)

    words = "NumberOfFrames (0028,0008) is {}, but the pixels hold {} frames; those beyond are left out [{}]"
    assert (len(source), source.warnings) == (3, (words.format(3, 4, "clip.dcm"),))
    assert (len(stack), stack.warnings) == (4, (words.format(1, 2, "IM00000.dcm"),))


@pytest.mark.parametrize("has_bot", [True, False])
def test_more_compressed_frames_than_their_number_says_are_warned_of(make_clip, has_bot):
    clip = make_clip(BurnedInAnnotation="NO")
    tags = dcmread(clip)
    tags.compress(RLELossless)
    tags.NumberOfFrames = 3
    if not has_bot:
        tags.PixelData = encapsulate(list(generate_frames(tags.PixelData, number_of_frames=4)), has_bot=False)
    tags.save_as(clip)

    (warning,) = open_source(clip).warnings

    assert "is 3, but the pixels hold 4 frames" in warning


def test_frames_in_several_parts_are_not_more_frames(make_clip):
    clip = make_clip(BurnedInAnnotation="NO")
    tags = dcmread(clip)
    jpeg = b"\xff\xd8" + bytes(30) + b"\xff\xd9"
    tags.PixelData = encapsulate([jpeg] * 4, fragments_per_frame=2, has_bot=False)
    tags["PixelData"].is_undefined_length = True
    tags.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"
    tags.save_as(clip)

    assert open_source(clip).warnings == ()


def mosaic(folder, edit, places=True, **tags):
    for number, file in enumerate(files_of(folder)):
        more = {} if places else {"ImagePositionPatient": [0.0, 0.0, 0.0], "InstanceNumber": number}
        edit(file, ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"], **more, **tags)


def test_a_siemens_series_that_xa_took_apart_is_read(series, edit):
    before = open_source(series).read_all()
    mosaic(series, edit, SoftwareVersions="syngo MR XA30")

    assert torch.equal(open_source(series).read_all(), before)


def test_an_enhanced_siemens_object_that_was_taken_apart_is_read(make_enhanced, edit):
    path = make_enhanced()
    edit(path, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])

    assert len(open_source(path)) == 4


@pytest.mark.parametrize("software", ["syngo MR XA30", "syngo MR E11", None])
@pytest.mark.parametrize("count", [None, 20])
def test_a_siemens_mosaic_is_refused(series, edit, software, count):
    for file in files_of(series)[1:]:
        file.unlink()
    (file,) = files_of(series)
    mosaic(series, edit, **({"SoftwareVersions": software} if software else {}))
    if count is not None:
        tags = dcmread(file)
        tags.private_block(0x19, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", count)
        tags.save_as(file)

    with pytest.raises(ValueError, match=r"IM00000.dcm: a Siemens mosaic, all slices in one picture, by ImageType"):
        open_source(series)


def test_mosaics_of_xa_that_were_not_taken_apart_are_refused(series, edit):
    mosaic(series, edit, SoftwareVersions="syngo MR XA30")
    for file in files_of(series):
        tags = dcmread(file)
        tags.private_block(0x19, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 20)
        tags.save_as(file)

    with pytest.raises(ValueError, match="a Siemens mosaic"):
        open_source(series)


def test_copies_of_one_image_are_still_refused(series):
    first, *_ = files_of(series)
    (series / "copy.dcm").write_bytes(first.read_bytes())

    with pytest.raises(ValueError, match=r"two files are one image twice, SOPInstanceUID .*IM00000.dcm, copy.dcm"):
        open_source(series)


@pytest.mark.parametrize("name", ["MR_small_bigendian.dcm", "SC_rgb_small_odd_big_endian.dcm"])
def test_the_length_of_big_endian_pixels_is_not_misread(name):
    assert not any("NumberOfFrames" in warning for warning in open_source(get_testdata_file(name)).warnings)
