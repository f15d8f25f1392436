"""How much memory a study may ask for: what its header declares is checked before anything is read or listed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from monai_das.data.messages import StudyError

# of a slice or frame in the list of them
FRAME_BYTES = 1 << 10
# deflate and gzip make at most so many bytes of one
INFLATION = 1032
# one slice is decoded, rescaled and shrunk: so many times it should fit
PLANES = 8
_LIMIT: ContextVar[int | None] = ContextVar("monai_das_memory_limit", default=None)


@contextmanager
def memory_limit(most_bytes: int | None) -> Iterator[None]:
    """Let no study that is opened or read inside ask for more than ``most_bytes``; None is :func:`default_limit`.

    Example:
        >>> with memory_limit(1 << 20):
        ...     limit()
        1048576
    """
    if most_bytes is not None and most_bytes < 1:
        raise ValueError(f"the limit of memory must be at least 1 byte, got {most_bytes}")
    token = _LIMIT.set(most_bytes)
    try:
        yield
    finally:
        _LIMIT.reset(token)


def limit() -> int:
    """Return how many bytes a study may ask for."""
    return _LIMIT.get() or default_limit()


@cache
def default_limit() -> int:
    """Return a quarter of the memory of the machine or, where it is less, of the container."""
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            found = min(found, int(Path(file).read_text(encoding="ascii")))
    return found // 4


def check_memory(needed: int, name: object, what: str) -> None:
    """Raise ``ValueError`` if ``needed`` bytes, for ``what`` of the study ``name``, are more than :func:`limit`."""
    if needed > limit():
        raise StudyError(
            name,
            f"{what} need {_size(needed)}, more than the limit of {_size(limit())}; give a smaller study, or a "
            "higher limit (--max-memory) if the header is right",
        )


def check_plane(columns: int, rows: int, channels: int, name: object) -> None:
    """Raise ``ValueError`` if one slice is too large to be decoded, rescaled and shrunk within :func:`limit`."""
    check_memory(PLANES * 4 * columns * rows * channels, name, f"slices of {columns} x {rows} pixels")


def check_frames(count: int, name: object) -> None:
    """Raise ``ValueError`` if so many frames cannot even be listed within :func:`limit`."""
    check_memory(FRAME_BYTES * count, name, f"{count} frames")


def check_inside(declared: int, path: Path, what: str, *, inflation: int = 1) -> None:
    """Raise ``ValueError`` if ``path`` cannot hold ``declared`` bytes, where a byte in it makes ``inflation``."""
    size = path.stat().st_size
    if declared > size * inflation:
        raise StudyError(
            path,
            f"the header tells of {what}, {_size(declared)}, but the file has {_size(size)}; it is cut off or "
            "its header is wrong: copy it again",
        )


def _size(count: int) -> str:
    for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count >= 1 << power:
            return f"{count / (1 << power):.3g} {unit}" if count < 1000 << power else f"{count >> power} {unit}"
    return f"{count} bytes"
