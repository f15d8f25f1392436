"""Whether files are still what was opened: no result is made of two versions of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from monai_das.data.messages import StudyError

# size in bytes, and time of change in ns
FileVersion = tuple[int, int]


def file_version(path: Path) -> FileVersion | None:
    """Return the version of the file ``path``; None where it is gone."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns


@contextmanager
def unchanged(files: Sequence[Path], versions: Sequence[FileVersion | None]) -> Iterator[None]:
    """Raise at the end if one of ``files`` no longer has its one of ``versions``, also instead of what that caused.

    Args:
        files: those of a :class:`~monai_das.data.SliceSource`.
        versions: when they were opened; none where a class of sources was used directly, and then nothing is compared.

    Raises:
        ValueError: a file was overwritten, replaced, cut off or removed; the message names it.
    """
    try:
        yield
    except ValueError as error:
        _check(files, versions, error)
        raise
    _check(files, versions)


def _check(files: Sequence[Path], versions: Sequence[FileVersion | None], cause: ValueError | None = None) -> None:
    for path, version in zip(files, versions, strict=False):
        now = file_version(path)
        if now != version:
            how = "is gone" if now is None else "was changed"
            raise StudyError(path, f"it {how} while it was read; run again when nothing writes there") from cause
