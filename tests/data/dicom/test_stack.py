import shutil

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from monai_das.data import dicom_slice_refs, open_source
from monai_das.datasets import write_dicom_series


def files_of(folder):
    return sorted(folder.iterdir())


def test_refs_follow_position_whatever_names_and_numbers_say(tmp_path, volume):
    uids = write_dicom_series(volume, tmp_path, spacing=(2.0, 3.0, 4.0))

    refs = dicom_slice_refs(tmp_path)

    assert [ref.sop_instance_uid for ref in refs] == uids
    assert [ref.index for ref in refs] == [0, 1, 2, 3]
    assert [ref.position_mm for ref in refs] == [(-10.0, -12.0, 4.0 * index) for index in range(4)]
    assert [dcmread(file).SOPInstanceUID for file in files_of(tmp_path)] != uids


def test_refs_of_a_tilted_series_follow_its_own_normal(series, edit):
    angle = np.deg2rad(70)
    for file in files_of(series):
        height = float(dcmread(file).ImagePositionPatient[2])
        # planes that stand almost upright: growing z is falling y
        position = [0.0, -height * np.sin(angle), height * np.cos(angle)]
        edit(file, ImagePositionPatient=position, ImageOrientationPatient=[1, 0, 0, 0, np.cos(angle), np.sin(angle)])

    heights = [ref.position_mm[2] for ref in dicom_slice_refs(series)]

    assert heights == sorted(heights)


def test_junk_is_passed_over(series):
    (series / "README-Series.txt").write_text("notes")
    (series / "below").mkdir()
    shutil.copy(get_testdata_file("DICOMDIR"), series / "DICOMDIR")
    shutil.copy(get_testdata_file("reportsi.dcm"), series / "report.dcm")

    assert len(dicom_slice_refs(series)) == 4


def test_one_file_is_one_slice():
    (ref,) = dicom_slice_refs(get_testdata_file("CT_small.dcm"))

    assert ref.position_mm == (-158.135803, -179.035797, -75.699997)
    assert ref.frame is None


def test_a_picture_without_position_is_one_slice():
    (ref,) = dicom_slice_refs(get_testdata_file("examples_rgb_color.dcm"))

    assert ref.position_mm is None
    assert ref.sop_instance_uid


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_one_file_without_geometry_is_a_picture(series, edit, keyword):
    file = files_of(series)[0]
    edit(file, **{keyword: None})

    (ref,) = dicom_slice_refs(file)

    assert ref.position_mm is None


def test_a_real_clip_counts_frames_and_time():
    refs = dicom_slice_refs(get_testdata_file("examples_ybr_color.dcm"))

    assert [ref.frame for ref in refs] == list(range(1, 31))
    assert refs[29].time_ms == pytest.approx(29 * 33.333)
    assert {ref.sop_instance_uid for ref in refs} == {refs[0].sop_instance_uid}


@pytest.mark.parametrize(
    ("tags", "times"),
    [
        ({"FrameTimeVector": [0, 10, 20, 30], "FrameTime": 5}, [0.0, 10.0, 30.0, 60.0]),
        ({"FrameTimeVector": [0, 10], "FrameTime": 5}, [0.0, 5.0, 10.0, 15.0]),
        ({"RecommendedDisplayFrameRate": 25}, [0.0, 40.0, 80.0, 120.0]),
        ({"CineRate": 50, "RecommendedDisplayFrameRate": 25}, [0.0, 20.0, 40.0, 60.0]),
        ({"FrameTime": 0}, [None] * 4),
    ],
)
def test_the_time_of_a_frame_is_what_the_header_tells(make_clip, tags, times):
    assert [ref.time_ms for ref in dicom_slice_refs(make_clip(**tags))] == times


def test_enhanced_frames_are_sorted_by_position(make_enhanced):
    refs = dicom_slice_refs(make_enhanced())

    assert [ref.frame for ref in refs] == [2, 4, 3, 1]
    assert [ref.position_mm[2] for ref in refs] == [0.0, 3.0, 6.0, 9.0]


@pytest.mark.parametrize("heights", [(5.0, 5.0, 5.0, 5.0), (None, None, None, None)])
def test_frames_at_one_place_or_none_are_a_clip(make_enhanced, heights):
    refs = dicom_slice_refs(make_enhanced(heights))

    assert [ref.frame for ref in refs] == [1, 2, 3, 4]
    assert {ref.position_mm for ref in refs} == {None}


def test_a_real_series_of_several_time_points_is_refused(data_root):
    message = (
        r"mr_0004: 150 slices at 15 positions.* share ImagePositionPatient \(0020,0032\) \[-118.*; split them first"
    )
    with pytest.raises(ValueError, match=message):
        dicom_slice_refs(data_root / "dicom_nih" / "20180918GE" / "mr_0004")


def test_a_real_mosaic_is_refused(data_root):
    with pytest.raises(ValueError, match=r"epi_pe_ap-00001.dcm: a Siemens mosaic.*; convert it to NIfTI first"):
        dicom_slice_refs(data_root / "dicom_nih" / "20180918Si" / "mr_0003")


@pytest.mark.parametrize(("word", "maker"), [("VFRAME", "UIH"), ("MOSAIC", "Siemens")])
@pytest.mark.parametrize("place", [0, 3])
def test_a_mosaic_of_any_maker_is_refused_wherever_it_lies(series, edit, word, maker, place):
    path = files_of(series)[place]
    edit(path, ImageType=["ORIGINAL", "PRIMARY", "M", word])

    with pytest.raises(ValueError, match=rf"{path.name}: a {maker} mosaic, .* \(0008,0008\); convert it to NIfTI"):
        dicom_slice_refs(series)
    with pytest.raises(ValueError, match=f"a {maker} mosaic"):
        dicom_slice_refs(path)


def test_two_series_in_a_folder_are_named(series, edit):
    edit(files_of(series)[0], SeriesInstanceUID="1.2.3")

    with pytest.raises(
        ValueError, match=r"2 series in one folder, SeriesInstanceUID 1.2.3 \(1 images\), 1.2.826.*\(3 "
    ):
        dicom_slice_refs(series)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"PixelSpacing": [0, 1]}, r"PixelSpacing \(0028,0030\) must be two positive numbers, is \[0.0, 1.0\];.*IM0"),
        (
            {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
            r"ImageOrientationPatient \(0020,0037\) must be two directions at right angles, is .*; correct.*IM0",
        ),
    ],
)
def test_a_plane_without_extent_is_named(series, edit, tags, message):
    for file in files_of(series):
        edit(file, **tags)

    with pytest.raises(ValueError, match=message):
        dicom_slice_refs(series)


def test_slices_of_different_orientation_are_named(series, edit):
    edit(files_of(series)[3], ImageOrientationPatient=[0, 1, 0, 0, 0, -1])

    with pytest.raises(
        ValueError,
        match=r"different orientation, .* in one and .* in another; split .*each .IM00000.dcm, IM00003.dcm.$",
    ):
        dicom_slice_refs(series)


def test_slices_of_different_size_are_named(series, edit):
    edit(files_of(series)[1], Rows=3, PixelData=bytes(36))

    with pytest.raises(
        ValueError, match=r"different size, \(5, 6\) rows .*, 6\) in another;.*IM00000.dcm, IM00001.dcm"
    ):
        dicom_slice_refs(series)


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_a_missing_tag_is_named_with_its_file(series, edit, keyword):
    edit(files_of(series)[2], **{keyword: None})

    with pytest.raises(ValueError, match=rf"IM00002.dcm: {keyword}.* numbers, got None; .* repair it"):
        dicom_slice_refs(series)


def test_a_clip_among_slices_is_told_of(series, make_clip, edit):
    clip = make_clip("series/clip.dcm")
    edit(clip, SeriesInstanceUID=dcmread(files_of(series)[0]).SeriesInstanceUID)

    source = open_source(series)

    assert len(source) == 4
    assert source.warnings == ("1 objects of several frames lie beside the slices and are not read here",)


def test_several_clips_in_one_folder_are_to_be_given_one_by_one(tmp_path, make_clip):
    series = generate_uid()
    (tmp_path / "clips").mkdir()
    for name in ("a.dcm", "b.dcm"):
        make_clip(f"clips/{name}", SeriesInstanceUID=series)

    with pytest.raises(
        ValueError, match=r"2 stacks or objects of several frames in one series; give each file .*b.dcm"
    ):
        open_source(tmp_path / "clips")


def test_enhanced_frames_at_one_position_are_refused(make_enhanced):
    with pytest.raises(ValueError, match=r"4 slices at 2 positions.* two share .*frame 1, frame 3"):
        dicom_slice_refs(make_enhanced((0.0, 3.0, 0.0, 3.0)))


def test_a_frame_without_position_is_named(make_enhanced):
    with pytest.raises(ValueError, match=r"enhanced.dcm: frame 2 lacks its position, orientation or pixel spacing"):
        dicom_slice_refs(make_enhanced((0.0, None, 3.0, 6.0)))


def test_frames_without_functional_groups_are_counted(make_enhanced):
    with pytest.raises(ValueError, match=r"4 frames, functional groups for 3; the file is damaged"):
        dicom_slice_refs(make_enhanced((0.0, 3.0, 6.0), count=4))


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere: no such file or folder"):
        dicom_slice_refs(tmp_path / "nowhere")


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"a folder without DICOM images; give a NIfTI file"):
        dicom_slice_refs(tmp_path)


def test_a_text_file_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")

    with pytest.raises(ValueError, match=r"notes.txt: not a DICOM image \(a text\); give a NIfTI file"):
        dicom_slice_refs(tmp_path / "notes.txt")


@pytest.mark.parametrize("length", [200, 1000])
def test_a_header_cut_off_is_named(series, length):
    file = files_of(series)[1]
    file.write_bytes(file.read_bytes()[:length])

    with pytest.raises(ValueError, match=r"IM00001.dcm: the DICOM header (ends before Rows|cannot be read).* copy"):
        dicom_slice_refs(series)


@pytest.mark.filterwarnings("ignore:Invalid value for VR IS")
def test_a_number_of_frames_that_is_none_is_named():
    with pytest.raises(ValueError, match=r"badVR.dcm: NumberOfFrames \(0028,0008\) holds no number"):
        dicom_slice_refs(get_testdata_file("badVR.dcm"))


def test_an_enhanced_object_of_one_frame_lies_where_its_groups_say(make_enhanced, edit):
    path = make_enhanced((6.0,))

    (ref,) = dicom_slice_refs(path)

    assert (ref.frame, ref.position_mm) == (1, (-7.0, -8.0, 6.0))


def test_enhanced_objects_of_one_frame_each_are_a_series(tmp_path, make_enhanced, edit):
    (tmp_path / "series").mkdir()
    for height in (6.0, 0.0, 3.0):
        file = make_enhanced((height,)).rename(tmp_path / "series" / f"at{height:.0f}.dcm")
        edit(file, SeriesInstanceUID="1.2.3")

    refs = dicom_slice_refs(tmp_path / "series")

    assert [ref.position_mm[2] for ref in refs] == [0.0, 3.0, 6.0]
    assert {ref.frame for ref in refs} == {None}


def test_a_text_in_the_place_of_the_uid_is_none(series, edit):
    first, second, *_ = files_of(series)
    with pytest.warns(UserWarning, match="Invalid value for VR UI"):
        edit(first, SOPInstanceUID="Doe^Jane")

    refs = dicom_slice_refs(series)

    assert [ref.sop_instance_uid for ref in refs].count(None) == 1
    assert str(dcmread(second).SOPInstanceUID) in {ref.sop_instance_uid for ref in refs}
