"""Files beside DICOM images that are no DICOM: a lost slice is an error, other damage is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from monai_das.data.messages import Finding, StudyError

DICOM_SUFFIXES = (".dcm", ".dic", ".dicom", ".ima")
# what a download or a copy that was broken off, or an editor, puts behind a name
UNFINISHED = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".temp", ".bak", "~")
NUMBER = re.compile(r"[0-9a-f]*[0-9][0-9a-f]*")
LOOK = 4096
# pictures, PDF, archives, Office, Windows' and macOS's notes of a folder, SQLite, programs: whole, and no slices
KNOWN = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"%PDF",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\xd0\xcf\x11\xe0",
    b"\0\0\0\1Bud1",
    b"SQLite",
    b"MZ",
    b"\x7fELF",
    b"RIFF",
    b"\0\0\0\x18ftyp",
    b"\0\0\0\x20ftyp",
    b"\x1aE\xdf\xa3",
)


def check_strays(strays: Sequence[Path], images: Iterable[Path], folder: Path) -> None:
    """Raise ``ValueError`` if :func:`lost_slices` finds some: the stack without them would look whole."""
    lost = lost_slices(strays, images)
    if lost:
        raise StudyError(
            folder,
            f"{len(lost)} of its files may be slices, but are no DICOM; copy them again, or "
            "move them elsewhere if the images are complete without them",
            files=_faulty(lost),
        )


def lost_slices(strays: Sequence[Path], images: Iterable[Path]) -> list[Path]:
    """Return those of ``strays`` that are called as the ``images`` in the same folder are, or as DICOM is in general.

    Args:
        strays: files that are no DICOM.
        images: files that are.
    """
    kinds = {_kind(path.name) for path in images} if strays else set()
    return [path for path in strays if _may_be_a_slice(path, kinds)]


def stray_warnings(folder: Path, images: Iterable[Path]) -> tuple[Finding, ...]:
    """Return what to say of files of ``folder`` that are neither ``images``, nor other DICOM, nor whole files."""
    known = set(images)
    others = [path for path in sorted(folder.iterdir()) if path not in known and path.is_file()]
    broken = [path for path in others if not _hidden(path) and _fault(path)]
    if not broken:
        return ()
    words = f"{len(broken)} files beside the images are empty or no file that is known"
    return (Finding(words, _faulty(broken)),)


def fault(path: Path) -> str:
    """Return why the file ``path`` is no DICOM image, in words: empty, zeros, short, text, or something else."""
    with path.open("rb") as stream:
        start = stream.read(LOOK)
    size = path.stat().st_size
    if not size:
        return "empty"
    if not start.strip(b"\0"):
        return f"{size} bytes, zeros only" if size <= LOOK else f"{size} bytes, the first {LOOK} of them zeros"
    if _is_text(start):
        return "a text"
    return f"{size} bytes, too short for DICOM" if size < 132 else f"{size} bytes without the DICOM mark"


def _may_be_a_slice(path: Path, kinds: set[tuple[str, str]]) -> bool:
    if _hidden(path):
        return False
    stem, suffix = _kind(path.name)
    suffixes = {end for _, end in kinds}
    if suffix in DICOM_SUFFIXES or (stem, suffix) in kinds or (suffix and suffix in suffixes):
        return True
    if suffix or "" not in suffixes:
        return False
    # without a suffix, as the images: README and LICENSE are texts
    with path.open("rb") as stream:
        start = stream.read(LOOK)
    return not start.strip(b"\0") or not (_is_text(start) or start.startswith(KNOWN))


def _kind(name: str) -> tuple[str, str]:
    """Return what is before and after the last dot of ``name``, with ``#`` for each number, as siblings share it."""
    name = name.lower()
    for end in UNFINISHED:
        name = name.removesuffix(end)
    found = Path(NUMBER.sub("#", name))
    suffix = Path(name).suffix
    # 1.2.840.113 is a name without suffix
    return (found.name, "") if "#" in found.suffix else (found.stem, suffix)


def _fault(path: Path) -> bool:
    """Say whether the file is empty, or neither DICOM nor of a kind that is known."""
    with path.open("rb") as stream:
        start = stream.read(LOOK)
    if start[128:132] == b"DICM":
        return False
    return not start.strip(b"\0") or not (_is_text(start) or start.startswith(KNOWN))


def _is_text(start: bytes) -> bool:
    try:
        words = start.decode("utf-8")
    except UnicodeDecodeError as error:
        # a letter may be cut in two at the end of what was read
        if error.start < LOOK - 4 or len(start) < LOOK:
            return False
        words = start[: error.start].decode("utf-8")
    return "\0" not in words


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")


def _faulty(paths: Sequence[Path]) -> list[str]:
    return [f"{path.name} ({fault(path)})" for path in paths]
