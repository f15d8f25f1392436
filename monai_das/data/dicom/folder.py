"""The headers of the images in a folder, each read once: finding a case keeps them for opening it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

from monai_das.data.dicom.header_scan import QuickHeader
from monai_das.data.dicom.headers import ImageHeader, holds_tags, image_header

# how much memory headers that were read ahead may take; what is found beyond it is read again
MOST_BYTES = 128 << 20
# what a header takes that was read by header_scan, as measured
QUICK_BYTES = 6 << 10
UNKNOWN_BYTES = 1 << 20


class HeaderShelf:
    """Headers that were read ahead, by file; each is given out once, if its file is still the same.

    A file is known by device and inode, so that a link to it is the same file, and counts as unchanged while its size
    and time of change are the same. When there is no room left the oldest headers stay, because cases are opened in the
    order in which they are found.

    Args:
        most_bytes: approximate limit of the memory that the headers take.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._kept: dict[tuple[int, int], tuple[tuple[int, int], ImageHeader]] = {}
        self._bytes = 0
        self._lock = Lock()

    def put(self, state: os.stat_result, header: ImageHeader) -> None:
        """Keep ``header`` of a file whose ``state`` was taken before it was read, if there is room."""
        file, version = _file_and_version(state)
        size = _size(header)
        with self._lock:
            self._remove(file)
            if self._bytes + size <= self.most_bytes:
                self._kept[file] = (version, header)
                self._bytes += size

    def look(self, state: os.stat_result) -> ImageHeader | None:
        """Return the header of the file with ``state``, and keep it here; None if it is not here."""
        file, version = _file_and_version(state)
        kept = self._kept.get(file)
        return None if kept is None or kept[0] != version else kept[1]

    def take(self, state: os.stat_result) -> ImageHeader | None:
        """Return what :meth:`look` returns, and remove it from here."""
        found = self.look(state)
        with self._lock:
            self._remove(_file_and_version(state)[0])
        return found

    def _remove(self, file: tuple[int, int]) -> None:
        kept = self._kept.pop(file, None)
        if kept is not None:
            self._bytes -= _size(kept[1])


_SHELF = HeaderShelf()


def header_ahead(path: Path) -> ImageHeader | None:
    """Return :func:`image_header` of ``path``, and keep it for :func:`header_taken`, by which the case is opened."""
    state = path.stat()
    known = _SHELF.look(state)
    if known is not None:
        return _called(known, path)
    header = image_header(path)
    if header is not None:
        _SHELF.put(state, header)
    return header


def header_taken(path: Path, more: Sequence[str] = ()) -> ImageHeader | None:
    """Return the header that was read ahead, if it holds the tags ``more``; else read it."""
    known = _SHELF.take(path.stat())
    return _called(known, path) if known is not None and holds_tags(known, more) else image_header(path, more)


def _called(header: ImageHeader, path: Path) -> ImageHeader:
    """Return ``header`` under the name ``path``: it may have been read through another link."""
    return header if header.path == path else replace(header, path=path)


def _file_and_version(state: os.stat_result) -> tuple[tuple[int, int], tuple[int, int]]:
    return (state.st_dev, state.st_ino), (state.st_mtime_ns, state.st_size)


def _size(header: ImageHeader) -> int:
    """Return about how much memory ``header`` takes: its length in the file, if a full reader was needed."""
    if isinstance(header.source, QuickHeader):
        return QUICK_BYTES
    return max(QUICK_BYTES, header.pixels_at or UNKNOWN_BYTES)
