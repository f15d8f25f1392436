import pytest

from tests.data.video_clips import KINDS, moving_bars, write_video


@pytest.fixture
def clip(tmp_path):
    """Write 23 frames as ``name``, and return the path."""
    return lambda name="h264.mp4", **more: write_video(tmp_path / name, moving_bars(23), *KINDS[name], **more)
