"""How large the frames of a video may be, from its header, before one is decoded."""

from __future__ import annotations

from monai_das.data.budget import check_plane
from monai_das.data.messages import StudyError

# 8K of television; a decoder holds several frames at a time
MOST_PIXELS = 7680 * 4320


def check_video(width: int, height: int, name: str) -> None:
    """Raise ``ValueError`` if frames of ``width`` x ``height`` pixels are too large to be decoded."""
    if width * height > MOST_PIXELS:
        raise StudyError(
            name,
            f"frames of {width} x {height} pixels are larger than 8K video, {MOST_PIXELS} pixels; make the "
            "video smaller",
        )
    check_plane(width, height, 1, name)
