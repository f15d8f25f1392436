"""Videos that are to be shown turned, mirrored or with pixels that are not square, against the program ffmpeg."""

import re

import av
import pytest
import torch

from monai_das.data import VideoSource
from monai_das.transforms import make_thumbnails
from tests.data.video_clips import ffmpeg, frames_by_ffmpeg


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", [[], ["-display_hflip"], ["-display_vflip"]], ids=str)
def test_frames_are_upright_however_they_are_stored(clip, tmp_path, angle, flip):
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", angle, *flip, "-i", clip(), "-c", "copy", turned)
    shape = (48, 64) if angle % 180 else (64, 48)
    expected = torch.from_numpy(frames_by_ffmpeg(turned, *reversed(shape)))

    source = VideoSource(turned)

    assert (source.plane_shape, source.warnings) == (shape, ())
    assert torch.equal(source.read([20, 3]), expected[..., [20, 3]])
    assert float((source.thumbnails(16) - make_thumbnails(expected[None], 16)[0]).abs().mean()) < 6.0


def test_another_angle_is_warned_of(clip, tmp_path):
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", 30, "-i", clip(), "-c", "copy", turned)

    source = VideoSource(turned)

    assert source.plane_shape == (64, 48)
    assert source.warnings == (
        "the display matrix turns by 30 degrees; frames are taken as they are stored, not turned",
    )


@pytest.mark.parametrize("name", ["wide.mp4", "wide.mkv", "wide.mpg"])
def test_pixels_that_are_not_square_are_warned_of(clip, tmp_path, name):
    wide = tmp_path / name
    ffmpeg("-i", clip(), "-vf", "setsar=16/15", wide)

    (warning,) = VideoSource(wide).warnings

    assert re.fullmatch(
        r"pixels are not square: (16:15|178:163) wide \(sample aspect ratio\), taken as square", warning
    )


def test_pixels_that_are_square_are_not(tmp_path, clip):
    square = tmp_path / "square.mp4"
    ffmpeg("-i", clip(), "-vf", "setsar=1", square)
    with av.open(square) as container:
        assert container.streams.video[0].sample_aspect_ratio == 1

    assert VideoSource(square).warnings == ()
    assert VideoSource(square).read([0]).shape == (3, 64, 48, 1)
