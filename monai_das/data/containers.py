"""Which files are videos: by their content, since FFmpeg asks for no name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from monai_das._optional import require

LOOK = 4096
# what begins a container or a bare stream, where, and its name
# fmt: off
MARKS = (
    (8, b"AVI ", "AVI video"), (8, b"AVIX", "AVI video"), (8, b"AMV ", "AMV video"),
    (0, b"\x1aE\xdf\xa3", "Matroska video"), (0, b"FLV\1", "Flash video"), (0, b".RMF", "RealMedia video"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "Windows Media video"), (0, b"\0\0\1\xba", "MPEG video"),
    (0, b"\0\0\1\xb3", "MPEG video"), (0, b"\x06\x0e\x2b\x34\x02\x05", "MXF video"),
    (0, b"nut/multimedia", "NUT video"),
    (0, b"YUV4MPEG2", "raw video"), (0, b"DKIF", "IVF video"), (0, b"\0\0\0\1g", "H.264 video"),
    (0, b"\0\0\1g", "H.264 video"),
    (0, b"\0\0\0\1@\1", "HEVC video"), (0, b"\0\0\1@\1", "HEVC video"), (0, b"GIF8", "GIF"),
    (0, b"\x1f\x07\0\x3f", "DV video"), (0, b"\x1f\x07\0\xbf", "DV video"), (0, b"BIK", "Bink video"),
)
# fmt: on
# the first box of QuickTime and MP4, and brands of it that are no video
BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
STILLS = (b"heic", b"heix", b"mif1", b"avif", b"M4A ", b"M4B ", b"crx ")
PACKETS = ((0, 188), (4, 192))  # of MPEG transport streams: offset of the first mark, and length
TRANSPORT = "MPEG transport video"
TRANSPORT_MARK = 0x47
# demuxers that take almost anything, texts among it, or still pictures
NO_CONTAINERS = (
    "image2",
    "tty",
    "rawvideo",
    "ico",
    "lavfi",
    "concat",
    "hls",
    "dash",
    "webm_dash_manifest",
    "tedcaptions",
)
# after so many files of one suffix that were none, the others of it are not tried
MOST_TRIES = 20


def container_name(start: bytes) -> str | None:
    r"""Return the kind of video of a file that begins with ``start``, at least 1 KiB of it; None where it has no mark.

    Example:
        >>> container_name(b"FLV\1\5"), container_name(b"%PDF-1.7")
        ('Flash video', None)
    """
    for place, mark, name in MARKS:
        if start[place : place + len(mark)] == mark:
            return name
    if start[4:8] in BOXES and start[8:12] not in STILLS:
        return "MP4 or QuickTime video"
    if any(_repeats(start, place, length) for place, length in PACKETS):
        return TRANSPORT
    if start.startswith(b"OggS") and any(word in start for word in (b"theora", b"OVP80", b"BBCD\0")):
        return "Ogg video"
    return None


class VideoProbe:
    """Tries FFmpeg on files whose content has no mark that is known, but not on thousands of one kind."""

    def __init__(self) -> None:
        self._failed: Counter[str] = Counter()

    def __call__(self, path: Path) -> bool:
        """Say whether FFmpeg decodes a frame of video in ``path``; false without the extra ``video``."""
        suffix = path.suffix.lower()
        if self._failed[suffix] >= MOST_TRIES:
            return False
        found = _decodes(path)
        self._failed[suffix] += not found
        return found


def _repeats(start: bytes, place: int, length: int) -> bool:
    marks = start[place : place + 5 * length : length]
    return len(marks) >= 3 and all(mark == TRANSPORT_MARK for mark in marks)


def _decodes(path: Path) -> bool:
    try:
        av: Any = require("av", extra="video")
    except ImportError:
        return False
    try:
        with av.open(path) as container:
            name = container.format.name
            if name in NO_CONTAINERS or name.endswith("_pipe") or not container.streams.video:
                return False
            return next(container.decode(container.streams.video[0]), None) is not None
    except (av.error.FFmpegError, ValueError, OSError):
        return False
