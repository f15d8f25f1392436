"""Clips of every container, frame by frame against the program ffmpeg."""

import numpy as np
import pytest
import torch

pytest.importorskip("av")

from monai_das.data import VideoSource, find_cases, open_source
from monai_das.data.video.source import is_video_file
from monai_das.transforms import make_thumbnails
from tests.data.video_clips import KINDS, ffmpeg, frames_by_ffmpeg, moving_bars, write_video


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_is_the_one_that_ffmpeg_gives(clip, name):
    path = clip(name)
    expected = torch.from_numpy(frames_by_ffmpeg(path))

    source = VideoSource(path)

    assert (len(source), source.kind, source.affine) == (23, "video", None)
    assert [ref.time_ms for ref in source.refs] == [40.0 * place for place in range(23)]
    assert torch.equal(source.read_all().as_tensor(), expected[: source.channels])
    assert torch.equal(source.read([20, 3, 11, 3]), expected[: source.channels, ..., [20, 3, 11, 3]])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("raw.avi", "rawvideo -pix_fmt pal8"),
        ("raw.mov", "rawvideo -pix_fmt pal8"),
        ("raw.nut", "rawvideo -pix_fmt pal8"),
        ("msrle.avi", "msrle"),
        ("grey.mov", "qtrle -pix_fmt gray"),
        ("smc.mov", "smc"),
        ("zmbv.avi", "zmbv -pix_fmt pal8"),
        ("png.mov", "png -pix_fmt pal8"),
    ],
)
def test_a_palette_colours_every_frame_as_ffmpeg_does(tmp_path, name, options):
    path = tmp_path / name
    bars = "testsrc=size=96x64:rate=10:duration=2"
    ffmpeg("-f", "lavfi", "-i", bars, "-c:v", *options.split(), path)
    expected = torch.from_numpy(frames_by_ffmpeg(path, 64, 96))

    source = VideoSource(path)
    alone = source.read([10])
    small = source.thumbnails(32)

    assert float(expected.mean()) > 100
    assert torch.equal(alone, expected[..., [10]])
    assert torch.equal(source.read_all().as_tensor(), expected)
    assert float((small - make_thumbnails(expected[None], 32)[0]).abs().mean()) < 2.0


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mpeg", "mpeg2video"),
        ("b.mpg", "mpeg1video -bf 2"),
        ("c.wmv", "wmv2"),
        ("d.asf", "msmpeg4"),
        ("e.flv", "flv"),
        ("f.3gp", "libx264 -pix_fmt yuv420p"),
        ("g.ts", "libx264 -pix_fmt yuv420p"),
        ("h.vob", "mpeg2video"),
        ("i.h264", "libx264 -pix_fmt yuv420p"),
        ("j.ogv", "libtheora"),
        ("l.mxf", "mpeg2video"),
        ("M.HEVC", "libx265 -x265-params log-level=none -pix_fmt yuv420p -f hevc"),
    ],
)
def test_every_container_is_a_case_of_a_folder_and_reads_as_ffmpeg_does(tmp_path, name, codec):
    path = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=96x64:rate=25:duration=1", "-c:v", *codec.split(), path)
    expected = torch.from_numpy(frames_by_ffmpeg(path, 64, 96))

    ((_, case),) = find_cases([tmp_path])
    source = open_source(case)

    assert source.kind == "video"
    assert torch.equal(source.read([10]), expected[..., [10]])
    assert torch.equal(source.read_all().as_tensor(), expected)


def test_a_text_with_the_suffix_of_a_video_is_no_case(tmp_path):
    (tmp_path / "german.ts").write_text("<TS language='de'></TS>")

    assert not is_video_file(tmp_path / "german.ts")


def test_where_a_seek_gives_another_picture_frames_are_read_in_order(clip, monkeypatch):
    path = clip("mpeg4.avi")
    expected = torch.from_numpy(frames_by_ffmpeg(path))
    monkeypatch.setattr("monai_das.data.video.source._same_pixels", lambda one, other: False)

    source = VideoSource(path)

    assert source._table.runs([3, 11]) == [(None, [3, 11])]
    assert torch.equal(source.read([11]), expected[..., [11]])


def test_grey_is_one_channel_and_colour_three_but_either_can_be_asked_for(clip):
    grey, colour = clip("grey.mkv"), clip("h264.mp4")
    luminance = (VideoSource(colour).read([4]) * torch.tensor([0.299, 0.587, 0.114])[:, None, None, None]).sum(0)

    assert [VideoSource(grey).channels, VideoSource(colour).channels] == [1, 3]
    assert VideoSource(grey, channels=3).read([4]).shape == (3, 64, 48, 1)
    torch.testing.assert_close(VideoSource(colour, channels=1).read([4])[0], luminance, rtol=0, atol=3)


def test_times_of_a_variable_rate_are_told(tmp_path):
    times = [0, 40, 300, 310, 1000]
    path = write_video(tmp_path / "clip.mkv", moving_bars(5), "ffv1", "yuv444p", times=times)

    assert [ref.time_ms for ref in VideoSource(path).refs] == times


def test_reading_decodes_from_the_keyframe_before_and_no_further(clip, monkeypatch):
    source, seen = VideoSource(clip("mpeg4.avi")), []
    keep = source._check_frame
    monkeypatch.setattr(source, "_check_frame", lambda place, frame: (seen.append(frame.pts), keep(place, frame)))

    source.read([11, 12])

    # keyframes are 0, 5, 10, ...
    assert source._table.runs([3, 11, 12]) == [(0, [3]), (10, [11, 12])]
    assert seen == [11, 12]


def test_thumbnails_are_nearly_those_of_the_decoded_frames(tmp_path):
    source = VideoSource(write_video(tmp_path / "grey.mp4", moving_bars(23, colour=False)))
    expected = make_thumbnails(source.read_all().as_tensor()[None], 16)[0]

    difference = (source.thumbnails(16) - expected).abs()

    assert difference.shape == (3, 16, 16, 23)
    assert float(difference.mean()) < 2.0


def test_frames_kept_from_thumbnails_and_frames_decoded_again_are_the_same(clip):
    path = clip()
    keeping, forgetting = VideoSource(path), VideoSource(path, keep_mib=0)
    torch.testing.assert_close(keeping.thumbnails(16), forgetting.thumbnails(16), rtol=0, atol=0)
    path.unlink()

    assert keeping.read([2, 22]).shape == (3, 64, 48, 2)
    with pytest.raises(ValueError, match=r"h264.mp4: FFmpeg cannot read the video \(No such file"):
        forgetting.read([2])


def test_packets_without_times_are_counted_by_decoding(clip, tmp_path):
    raw = tmp_path / "raw.mp4"
    ffmpeg("-i", clip(), "-c", "copy", "-f", "h264", raw)
    expected = torch.from_numpy(frames_by_ffmpeg(raw))

    source = VideoSource(raw)

    assert [ref.time_ms for ref in source.refs] == [None] * 23
    assert torch.equal(source.read([22, 7]), expected[..., [22, 7]])


def test_no_frame_asked_for_is_no_frame(clip):
    assert VideoSource(clip()).read([]).shape == (3, 64, 48, 0)


def test_a_video_is_opened_by_its_name(clip):
    assert isinstance(open_source(clip()), VideoSource)
    assert is_video_file("Clip.AVI")
    assert not is_video_file("clip.dcm")


@pytest.mark.parametrize("place", ["patient_11_L1", "patient_12_R3", "patient_62_L2"])
def test_real_clips_are_read_as_ffmpeg_reads_them(data_root, place):
    path = data_root / "covid_blues" / "lus_videos" / f"{place}.mp4"
    expected = torch.from_numpy(frames_by_ffmpeg(path, 350, 350))

    source = VideoSource(path)
    places = [len(source) - 1, 0, len(source) // 2]

    assert torch.equal(source.read(places), expected[..., places])
    assert torch.equal(source.read_all().as_tensor(), expected)
    assert source.refs[-1].time_ms == 40.0 * (expected.shape[-1] - 1)


def test_values_are_0_to_255(clip):
    values = VideoSource(clip()).read_all()

    assert (values.dtype, float(values.min()) >= 0, float(values.max()) > 240) == (torch.float32, True, True)
    assert np.array_equal(values.affine, np.eye(4))
