"""Encode frames as a video that a browser can play and step through."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monai_das._optional import require
from monai_das.review.labelling import FRAME_RATE

SIDE = 480


def encode_clip(frames: Sequence[bytes]) -> bytes:
    """Return the PNG pictures ``frames`` as an H.264 video in mp4.

    Every frame is a key frame, so that stepping back is exact. An odd last row or column is cut off, because H.264
    cannot hold it. The labelling page shows a video in its own size, so small frames are enlarged by a whole factor to
    at most 480 pixels on the shorter side. The video has 15 frames per second, whatever the source has, because the
    page counts frames.

    Raises:
        ImportError: PyAV is not installed.
    """
    av: Any = require("av", extra="video")
    stream = BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("libx264", rate=FRAME_RATE, options={"g": "1", "bf": "0", "crf": "18"})
        track.pix_fmt = "yuv420p"
        rows, columns = (side - side % 2 for side in _pixels(frames[0]).shape[:2])
        factor = max(1, SIDE // min(rows, columns))
        track.height, track.width = factor * rows, factor * columns
        for frame in frames:
            picture = np.ascontiguousarray(_pixels(frame)[:rows, :columns])
            plain = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(track.encode(plain.reformat(track.width, track.height, interpolation="BICUBIC")))
        container.mux(track.encode())
    return stream.getvalue()


def _pixels(frame: bytes) -> NDArray[np.uint8]:
    """Return a PNG as ``(rows, columns, 3)``."""
    return np.asarray(Image.open(BytesIO(frame)).convert("RGB"))
