"""Video clips as a :class:`SliceSource`: mp4, avi, mpeg, wmv and what else FFmpeg opens, through PyAV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_das._optional import require
from monai_das.data.messages import StudyError, StudyNotFoundError
from monai_das.data.source import SliceRef, SliceSource, checked_indices
from monai_das.data.video.declared import MOST_PIXELS, check_video
from monai_das.data.video.display import Display, display_of
from monai_das.data.video.table import FrameTable, decoded_table, packet_table

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

# of containers and bare streams that FFmpeg opens by their content
# fmt: off
VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".f4v", ".avi", ".divx", ".mkv", ".webm", ".gif", ".apng",
    ".mpeg", ".mpg", ".mpe", ".m1v", ".m2v", ".vob", ".ts", ".m2ts", ".mts", ".wmv", ".asf", ".flv", ".ogv",
    ".mxf", ".nut", ".y4m", ".ivf", ".swf", ".rm", ".rmvb", ".dv", ".h264", ".264", ".avc", ".h265", ".265",
    ".hevc",
)
# fmt: on
# a stream without index, in which a seek may land behind the frame
NO_INDEX = ("mpeg", "mpegts", "mpegvideo", "rm")
# also a suffix of programs and translations, which are texts
TRANSPORT, TRANSPORT_MARKS = ".ts", (b"G", b"\0\0\0\0G")
FORMATS = {1: "gray", 3: "rgb24"}


class VideoSource(SliceSource):
    """A video file whose frames are decoded only when asked for.

    Opening reads the packets (for number and times of the frames, variable rates included) and decodes one frame.
    Video codecs have no levels of resolution: thumbnails decode every frame once, one after the other, and shrink it
    before its colours are converted; what is saved is the conversion and the memory, not the decoding. The frames
    decoded on the way are kept as the decoder left them (1.5 bytes a pixel for most videos) up to ``keep_mib``, so
    that :meth:`read` after :meth:`thumbnails` only converts the chosen ones. Beyond that, :meth:`read` seeks to the
    keyframe before each chosen frame and decodes from there; where the packets give no times, from the beginning.

    Values are 0 to 255. A display matrix (phones) is respected where it turns by multiples of 90 degrees or mirrors;
    pixels are taken as square. ``warnings`` tells of others. Sound is ignored.

    Args:
        path: the file.
        channels: 1 for luminance, 3 for RGB; by default what the file stores, which for most videos of grey ultrasound
            is colour with three nearly equal channels.
        keep_mib: how much memory, in MiB, frames decoded for thumbnails may take.
        content: the bytes of the video where it is a part of the file ``path``, as in DICOM.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: it is not a video, has no frame, or is damaged or cut off.
        ImportError: the extra ``video`` is not installed.

    Example:
        ``VideoSource("clip.mp4", channels=1).read([0, 12])``
    """

    def __init__(
        self,
        path: str | PathLike[str],
        channels: int | None = None,
        keep_mib: int = 128,
        *,
        content: bytes | None = None,
    ) -> None:
        if channels not in (None, *FORMATS):
            raise ValueError(f"channels must be 1 or 3, or None for what the file stores, got {channels}")
        self.path = Path(path)
        if not self.path.is_file():
            raise StudyNotFoundError(path, "no such file")
        self.name, self.kind, self.affine, self.files = str(path), "video", None, (self.path,)
        self.keep_bytes = keep_mib << 20
        self._kept: dict[int, VideoFrame] = {}
        self._scaler = require("av.video.reformatter", extra="video").VideoReformatter()
        self._content = content
        first, self._display = self._first_frame()
        self.warnings = self._display.warnings
        self.channels = channels or _stored_channels(first)
        self._coded_shape = (first.width, first.height)
        self.plane_shape = self._display.shape(*self._coded_shape)
        self._table = self._frame_table(first)
        times = self._table.milliseconds()
        self.refs = tuple(SliceRef(index, frame=index + 1, time_ms=time) for index, time in enumerate(times))

    def thumbnails(self, size: int) -> Tensor:
        """Return all frames small; see :class:`SliceSource`. Decodes all frames, in order, once."""
        planes = []
        for place, frame in self._decoded(range(len(self))):
            self._keep(place, frame)
            planes.append(self._pixels(frame, size))
        return _as_tensor(planes)

    def read(self, indices: Sequence[int]) -> Tensor:
        """Return the frames ``indices``; see :class:`SliceSource`."""
        places = checked_indices(indices, len(self), self.name)
        planes = {place: self._pixels(frame) for place, frame in self._decoded(sorted(set(places)))}
        if not places:
            return torch.empty(self.channels, *self.plane_shape, 0)
        return _as_tensor([planes[place] for place in places])

    def _keep(self, place: int, frame: VideoFrame) -> None:
        """Keep ``frame`` while all frames together stay below the limit, because a part of them would not help."""
        bits = frame.format.padded_bits_per_pixel
        if frame.width * frame.height * bits // 8 * len(self) <= self.keep_bytes:
            self._kept[place] = frame

    def _decoded(self, places: Sequence[int]) -> Iterator[tuple[int, VideoFrame]]:
        """Yield ``(place, frame)`` for sorted, distinct ``places``, decoding as little as keyframes allow."""
        if all(place in self._kept for place in places):
            yield from ((place, self._kept[place]) for place in places)
            return
        with self._opened() as (container, stream):
            for seek, wanted in self._table.runs(list(places)):
                if seek is not None:
                    container.seek(seek, stream=stream, backward=True)
                yield from self._run(container.decode(stream), wanted, counted=seek is None)

    def _run(
        self, frames: Iterator[VideoFrame], wanted: list[int], *, counted: bool
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Yield the frames ``wanted`` out of ``frames``, known by their times, or by counting from the first."""
        places = {time: place for place, time in enumerate(self._table.times)}
        left = set(wanted)
        for number, frame in enumerate(frames):
            place = number if counted else places.get(frame.pts)
            if place in left:
                self._check_frame(place, frame)
                left.remove(place)
                yield place, frame
                if not left:
                    return
        raise StudyError(self.name, f"frame {min(left)} of {len(self)} cannot be decoded; copy the file again")

    def _check_frame(self, place: int, frame: VideoFrame) -> None:
        if frame.is_corrupt:
            raise StudyError(self.name, f"frame {place} is damaged; copy the file again")
        if (frame.width, frame.height) != self._coded_shape:
            raise StudyError(
                self.name,
                f"frames of different size, {self._coded_shape} columns and rows in frame 0 and "
                f"{(frame.width, frame.height)} in frame {place}; split the video first",
            )

    def _pixels(self, frame: VideoFrame, size: int | None = None) -> NDArray[np.uint8]:
        """Return ``frame`` as ``(rows, columns)`` or ``(rows, columns, 3)``, turned upright, ``size`` pixels a side."""
        width, height = (frame.width, frame.height) if size is None else (size, size)
        # what is nearest to make_thumbnails: means of whole blocks, else "bilinear", which weighs all pixels it covers
        whole = frame.width % width == 0 and frame.height % height == 0
        kernel = "AREA" if whole else "BILINEAR"
        small = self._scaler.reformat(frame, width, height, FORMATS[self.channels], interpolation=kernel)
        return self._display.shown(small.to_ndarray())

    def _first_frame(self) -> tuple[VideoFrame, Display]:
        with self._opened() as (container, stream):
            first = next(container.decode(stream), None)
            if first is None:
                raise StudyError(self.name, "a video without frames; copy the file again")
            return first, display_of(first, stream)

    def _frame_table(self, first: VideoFrame) -> FrameTable:
        if self.path.suffix.lower() == ".gif" and not self.path.read_bytes().rstrip(b"\0").endswith(b";"):
            raise StudyError(self.name, "the GIF lacks its end; it is cut off: copy it again")
        with self._opened() as (container, stream):
            packets = [packet for packet in container.demux(stream) if packet.size]
            table = packet_table(stream, packets, self.name)
            if table is not None:
                return table if _seeks_well(container, stream, first, table) else replace(table, keys=())
        with self._opened() as (container, stream):
            return decoded_table(container, stream)

    @contextmanager
    def _opened(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        """Open the file; an error of FFmpeg becomes a ``ValueError`` with the path."""
        av: Any = require("av", extra="video")
        try:
            with av.open(self.path if self._content is None else BytesIO(self._content)) as container:
                if not container.streams.video:
                    raise StudyError(self.name, "no video in the file, only sound or text; give a video")
                stream = container.streams.video[0]
                check_video(stream.codec_context.width, stream.codec_context.height, self.name)
                # an error is told, not painted over
                stream.codec_context.options = {"err_detect": "explode", "max_pixels": str(MOST_PIXELS)}
                yield container, stream
        except av.error.FFmpegError as error:
            raise StudyError(
                self.name,
                f"FFmpeg cannot read the video ({error.strerror}); it may be damaged or cut off: copy it "
                "again, or convert it to H.264 in mp4",
            ) from error


def is_video_file(path: str | PathLike[str]) -> bool:
    """Say whether the name of ``path`` ends as a video's does, and a ``.ts`` is no text."""
    suffix = Path(path).suffix.lower()
    if suffix == TRANSPORT and Path(path).is_file():
        with Path(path).open("rb") as stream:
            return stream.read(8).startswith(TRANSPORT_MARKS)
    return suffix in VIDEO_SUFFIXES


def _stored_channels(frame: VideoFrame) -> int:
    grey = len(frame.format.components) < 3 and not frame.format.has_palette
    return 1 if grey else 3


def _seeks_well(container: InputContainer, stream: VideoStream, first: VideoFrame, table: FrameTable) -> bool:
    """Say whether decoding may begin after a seek: the ``first`` frame is the same then as without.

    A palette may come with the first packet alone, or change on the way: such videos are decoded in order,
    as are :data:`NO_INDEX`.
    """
    if first.format.has_palette or not table.keys or container.format.name in NO_INDEX:
        return False
    place, time = table.keys[0]
    if place != 0:
        return True
    av: Any = require("av", extra="video")
    try:
        container.seek(time, stream=stream, backward=True)
        again = next(container.decode(stream), None)
    except av.error.FFmpegError:
        return False
    return again is not None and again.pts == first.pts and _same_pixels(first, again)


def _same_pixels(one: VideoFrame, other: VideoFrame) -> bool:
    return all(bytes(mine) == bytes(theirs) for mine, theirs in zip(one.planes, other.planes, strict=True))


def _as_tensor(planes: list[NDArray[np.uint8]]) -> Tensor:
    """Return ``planes`` ``(rows, columns[, 3])`` as ``(C, columns, rows, D)`` float32."""
    stack = torch.from_numpy(np.stack(planes))
    stack = stack[..., None] if stack.dim() == 3 else stack
    return stack.permute(3, 2, 1, 0).to(torch.float32, memory_format=torch.contiguous_format)
