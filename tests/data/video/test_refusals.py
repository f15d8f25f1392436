"""Videos that are refused, each with its reason."""

import pytest

pytest.importorskip("av")

from monai_das.data import VideoSource
from tests.data.video_clips import ffmpeg, moving_bars, write_sound, write_video


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"clip.mp4: no such file"):
        VideoSource(tmp_path / "clip.mp4")


def test_other_channels_are_refused(clip):
    with pytest.raises(ValueError, match="channels must be 1 or 3, or None for what the file stores, got 2"):
        VideoSource(clip(), channels=2)


@pytest.mark.parametrize("content", [b"", b"no video at all" * 99], ids=["empty", "text"])
def test_what_is_no_video_is_said_with_the_path(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"clip.mp4: FFmpeg cannot read the video \(Invalid data.*copy it again"):
        VideoSource(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("h264.mp4", r"cut.mp4: 0.92 s in the header, \d+ frames in 0\.\d\d s in the file; it is cut off"),
        ("h264.mkv", r"cut.mkv: 0.92 s in the header, \d+ frames in 0\.\d\d s in the file; it is cut off"),
        ("still.gif", r"cut.gif: the GIF lacks its end; it is cut off"),
        ("mpeg4.avi", r"cut.avi: FFmpeg cannot read the video"),
    ],
)
def test_a_video_cut_off_is_refused(clip, tmp_path, name, message):
    whole = tmp_path / f"whole{name[-4:]}"
    more = ["-movflags", "+faststart"] if name.endswith("mp4") else []
    ffmpeg("-i", clip(name), "-c", "copy", *more, whole)
    cut = whole.with_stem("cut")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])

    with pytest.raises(ValueError, match=message):
        VideoSource(cut)


def test_a_damaged_frame_is_no_picture(clip, tmp_path):
    whole, damaged = tmp_path / "whole.mp4", tmp_path / "damaged.mp4"
    ffmpeg("-i", clip(), "-c", "copy", "-movflags", "+faststart", whole)
    content = bytearray(whole.read_bytes())
    middle = len(content) * 2 // 3
    content[middle : middle + 60] = bytes(byte ^ 0xFF for byte in content[middle : middle + 60])
    damaged.write_bytes(content)

    with pytest.raises(ValueError, match=r"damaged.mp4: FFmpeg cannot read the video \(Invalid data"):
        VideoSource(damaged).read_all()


def test_sound_alone_is_no_video(tmp_path):
    path = write_sound(tmp_path / "sound.mp4")

    with pytest.raises(ValueError, match=r"sound.mp4: no video in the file, only sound or text; give a video"):
        VideoSource(path)


def test_a_video_without_frames_is_refused(tmp_path):
    path = write_video(tmp_path / "none.avi", moving_bars(0), "mpeg4")

    with pytest.raises(ValueError, match=r"none.avi: a video without frames; copy the file again"):
        VideoSource(path)


def test_frames_of_different_size_are_refused(clip, tmp_path):
    parts = [clip("mjpeg.avi"), write_video(tmp_path / "other.avi", moving_bars(5, 32, 32), "mjpeg", "yuvj420p")]
    joined = tmp_path / "joined.avi"
    listing = tmp_path / "list.txt"
    listing.write_text("".join(f"file '{part}'\n" for part in parts))
    ffmpeg("-f", "concat", "-safe", "0", "-i", listing, "-c", "copy", joined)

    with pytest.raises(
        ValueError, match=r"joined.avi: frames of different size, \(64, 48\) .* \(32, 32\) in frame 23;"
    ):
        VideoSource(joined).read_all()


def test_frames_that_decoding_does_not_give_are_missed(clip):
    source = VideoSource(clip())

    with pytest.raises(ValueError, match=r"h264.mp4: frame 21 of 23 cannot be decoded; copy the file again"):
        list(source._run(iter(()), [21, 22], counted=True))


def test_a_frame_marked_as_corrupt_is_refused(clip):
    class Frame:
        is_corrupt = True

    with pytest.raises(ValueError, match=r"h264.mp4: frame 3 is damaged; copy the file again"):
        VideoSource(clip())._check_frame(3, Frame())
