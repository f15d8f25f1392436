"""Files beside DICOM images that are no DICOM: a lost slice is an error, other damage is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from monai_das.data.formats import EMPTY, LOOK, SUSPECT, TEXT, ZEROS, content_name
from monai_das.data.messages import StudyError
from monai_das.data.walk import natural

DICOM_SUFFIXES = (".dcm", ".dic", ".dicom", ".ima")
# what a download or a copy that was broken off, or an editor, puts behind a name
UNFINISHED = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".temp", ".bak", "~")
NUMBER = re.compile(r"[0-9a-f]*[0-9][0-9a-f]*")
SHOWN = 3
SHORTEST = 132


def raise_lost(lost: Sequence[Path], study: Path) -> None:
    """Raise ``ValueError`` about ``lost`` files: the stack without them would look whole."""
    raise StudyError(
        study,
        f"{len(lost)} of its files may be slices, but are no DICOM: {ordinals(lost)}; copy them again, or move them "
        "elsewhere if the images are complete without them",
        files=faulty(lost),
    )


def lost_slices(strays: Sequence[Path], images: Iterable[Path]) -> list[Path]:
    """Return those of ``strays`` that are called as the ``images`` in the same folder are, or as DICOM is in general.

    Args:
        strays: files that are no DICOM.
        images: files that are.
    """
    kinds = {_kind(path.name) for path in images} if strays else set()
    return [path for path in strays if _may_be_a_slice(path, kinds)]


def is_suspect(path: Path) -> bool:
    """Say whether the file is empty, or neither DICOM nor of a kind that is known."""
    try:
        return not _hidden(path) and content_name(_start(path)) in SUSPECT
    except OSError:
        return True


def ordinals(paths: Sequence[Path]) -> str:
    """Return which files ``paths`` are without their names, by counting the files of their folders by name from 1.

    ``"file 7 of 8 by name (empty)"`` names no patient, and is found again.
    """
    listed = cache(lambda folder: sorted((each for each in folder.iterdir() if not each.is_dir()), key=natural))
    shown = []
    for path in paths[:SHOWN]:
        files = listed(path.parent)
        shown.append(f"file {files.index(path) + 1} of {len(files)} by name ({fault(path)})")
    more = [f"{len(paths) - SHOWN} more"] if len(paths) > SHOWN else []
    return ", ".join([*shown, *more])


def faulty(paths: Sequence[Path]) -> list[str]:
    """Return the names of ``paths``, each with what is wrong with it."""
    return [f"{path.name} ({fault(path)})" for path in paths]


def fault(path: Path) -> str:
    """Return why the file ``path`` is no DICOM image, in words: empty, zeros, short, its format, or broken."""
    try:
        start, size = _start(path), path.stat().st_size
    except OSError:
        return "cannot be read"
    name = content_name(start)
    if name == EMPTY:
        return "empty"
    if name == ZEROS:
        return f"{size} bytes, zeros only" if size <= LOOK else f"{size} bytes, the first {LOOK} of them zeros"
    if start[128:132] == b"DICM":
        return "a damaged DICOM header"
    if name not in SUSPECT:
        return f"a {name}" if name == TEXT else name
    return f"{size} bytes, too short for DICOM" if size < SHORTEST else f"{size} bytes without the DICOM mark"


def _may_be_a_slice(path: Path, kinds: set[tuple[str, str]]) -> bool:
    if _hidden(path):
        return False
    stem, suffix = _kind(path.name)
    suffixes = {end for _, end in kinds}
    if suffix in DICOM_SUFFIXES or (stem, suffix) in kinds or (suffix and suffix in suffixes):
        return True
    # without a suffix, as the images: README and LICENSE are texts
    return not suffix and "" in suffixes and is_suspect(path)


def _kind(name: str) -> tuple[str, str]:
    """Return what is before and after the last dot of ``name``, with ``#`` for each number, as siblings share it."""
    name = name.lower()
    for end in UNFINISHED:
        name = name.removesuffix(end)
    found = Path(NUMBER.sub("#", name))
    suffix = Path(name).suffix
    # 1.2.840.113 is a name without suffix
    return (found.name, "") if "#" in found.suffix else (found.stem, suffix)


def _start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(LOOK)


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")
