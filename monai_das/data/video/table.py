"""Which frames a video has, when they are shown, and where decoding may begin: from its packets, without decoding."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from monai_das.data.messages import StudyError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


# a second in the units of FFmpeg's containers
AV_TIME_BASE = 1_000_000


@dataclass(frozen=True)
class FrameTable:
    """The frames of a video in the order they are shown.

    Attributes:
        times: presentation time of every frame in units of ``time_base``; None if the packets do not give them.
        keys: for every frame that can be decoded by itself, its place and the time to seek to; empty where ``times``
            cannot be trusted, so that decoding must begin at the first frame.
        time_base: seconds of one unit.
    """

    times: tuple[int | None, ...]
    keys: tuple[tuple[int, int], ...]
    time_base: Fraction

    def milliseconds(self) -> list[float | None]:
        """Return the time of every frame since the first, in ms."""
        first = self.times[0]
        if first is None:
            return [None] * len(self.times)
        return [None if time is None else float((time - first) * self.time_base * 1000) for time in self.times]

    def runs(self, places: list[int]) -> list[tuple[int | None, list[int]]]:
        """Return where to seek to, and the sorted ``places`` to decode from there; None is the beginning."""
        starts = [place for place, _ in self.keys]
        runs: list[tuple[int | None, list[int]]] = []
        for place in places:
            at = bisect_right(starts, place) - 1
            seek = self.keys[at][1] if at >= 0 else None
            if runs and runs[-1][0] == seek:
                runs[-1][1].append(place)
            else:
                runs.append((seek, [place]))
        return runs


def packet_table(stream: VideoStream, packets: list[Packet[VideoStream]], name: str) -> FrameTable | None:
    """Return the table of all ``packets`` of ``stream``, or None if the packets do not list the frames.

    Raises:
        ValueError: the video ends before its header says.
    """
    shown = [packet for packet in packets if not packet.is_discard]
    times = [packet.pts for packet in shown]
    if any(time is None for time in times) or len(set(times)) != len(times):
        return None
    shown.sort(key=lambda packet: packet.pts or 0)
    _check_whole(stream, packets, shown, name)
    keys = tuple(
        (place, _seek_time(packet))
        for place, packet in enumerate(shown)
        if packet.is_keyframe and not packet.is_corrupt
    )
    return FrameTable(tuple(packet.pts for packet in shown), keys, _time_base(stream))


def decoded_table(container: InputContainer, stream: VideoStream) -> FrameTable:
    """Return the table of a video whose packets do not list its frames, by decoding it once; it has no keys."""
    times = tuple(frame.pts for frame in container.decode(stream))
    return FrameTable(times, (), _time_base(stream))


def _check_whole(stream: VideoStream, packets: list[Packet[VideoStream]], shown: list[Packet[Any]], name: str) -> None:
    """Raise ``ValueError`` if number and time of the frames fall short of what the header says."""
    duration = _declared_duration(stream)
    if not shown or duration is None or 0 < stream.frames <= len(packets):
        return
    last, first = shown[-1], shown[0]
    step: Any = last.duration or (0 if len(shown) < 2 else (last.pts or 0) - (shown[-2].pts or 0))
    lasts = (last.pts or 0) - (first.pts or 0) + step
    if lasts + 1.5 * step < duration:
        base = _time_base(stream)
        raise StudyError(
            name,
            f"{float(duration * base):.2f} s in the header, {len(packets)} frames in "
            f"{float(lasts * base):.2f} s in the file; it is cut off: copy it again",
        )


def _declared_duration(stream: VideoStream) -> int | None:
    """Return how long the header says the video lasts, in its own time base; None where it does not say."""
    container: Any = stream.container
    if stream.duration is not None or len(container.streams) > 1 or container.duration is None:
        return stream.duration
    # Matroska states one duration, of everything
    return int(Fraction(container.duration, AV_TIME_BASE) / _time_base(stream))


def _seek_time(packet: Packet[VideoStream]) -> int:
    # containers seek by decoding time, which lies before the time of showing where frames are reordered
    return int(packet.dts if packet.dts is not None else packet.pts or 0)


def _time_base(stream: VideoStream) -> Fraction:
    return Fraction(stream.time_base or Fraction(1, 1000))
