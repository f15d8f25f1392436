"""Cases on disk, from what a user types: files, DICOM folders, and folders of cases."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

from monai_das.data.dicom import DICOM_SUFFIXES, header_ahead, is_dicom_file
from monai_das.data.messages import StudyError, StudyNotFoundError
from monai_das.data.video import VIDEO_SUFFIXES, is_video_file

# of a case's name, which is to be the name of a folder
LONGEST = 120
NIFTI_NAME = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)


def find_cases(inputs: Sequence[str | PathLike[str]]) -> list[tuple[str, Path]]:
    """Return ``(name, path)`` of every case in ``inputs``, for :func:`open_source`.

    An input is a file (of any kind: ``open_source`` says whether it can be read), a folder with the DICOM files of one
    series, or a folder of cases at any depth: folders with DICOM files, NIfTI files, videos, and DICOM files of several
    frames, each of which is a case. What cannot be looked at (no permission, a link that leads to itself or nowhere, a
    damaged header) is a case too: ``open_source`` says why. Everything else in a folder is skipped.

    A name is made of the file's or folder's name below the input. It is safe for file systems, and unique also where
    upper and lower case are the same (``-2`` is appended). Inputs keep their order, cases within an input are sorted,
    and what is given twice counts once. Names may hold patient data if the files' names do.

    Raises:
        FileNotFoundError: an input does not exist.
        ValueError: an input holds no case, or there is no input.
    """
    if not inputs:
        raise ValueError("no input given; give NIfTI files, videos, DICOM files or folders, or a folder of cases")
    cases: list[tuple[str, Path]] = []
    names: set[str] = set()
    known: set[Path] = set()
    for given in inputs:
        root = Path(given)
        if not root.exists():
            raise StudyNotFoundError(root, "no such file or folder")
        found = list(_cases_in(root))
        if not found:
            raise StudyError(root, "no case found; a case is a NIfTI file, a video or a folder with DICOM files")
        for path in found:
            if real_path(path) not in known:
                known.add(real_path(path))
                cases.append((unique_name(case_name(path, root), names), path))
    return cases


def _cases_in(path: Path) -> Iterator[Path]:
    """Yield the cases of one input, sorted. A folder is searched once, whatever links lead to it."""
    if path.is_file():
        yield path
        return
    known: set[tuple[int, int]] = set()
    waiting = [path]
    while waiting:
        entry = waiting.pop()
        try:
            state = entry.stat()
            inside = _entries(entry) if stat.S_ISDIR(state.st_mode) else None
        except OSError:
            # whoever opens it hears why it cannot be looked at
            yield entry
            continue
        if inside is None:
            if _by_name(entry):
                yield entry
        elif (state.st_dev, state.st_ino) not in known:
            known.add((state.st_dev, state.st_ino))
            yield from _dicom_cases(entry, inside)
            waiting.extend(reversed(inside))


def _entries(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _by_name(path: Path) -> bool:
    """Say whether the name of a file alone makes it a case."""
    return bool(NIFTI_NAME.search(path.name)) or is_video_file(path)


def _dicom_cases(folder: Path, entries: list[Path]) -> Iterator[Path]:
    """Yield ``folder`` if the DICOM files directly in it are one case, and each of several multi-frame files."""
    stack, clips = False, []
    for entry in entries:
        frames = _frames(entry) if _is_file(entry) and not _by_name(entry) else 0
        stack = stack or frames == 1
        if frames > 1:
            clips.append(entry)
    if stack or len(clips) == 1:
        yield folder
    if stack or len(clips) > 1:
        yield from clips


def _frames(path: Path) -> int:
    """Return the number of frames of a file, 0 if it is not a DICOM image; its header is kept for opening.

    A damaged DICOM file, and an empty one named like DICOM, count as 1; their error comes when they are opened.
    """
    try:
        header = header_ahead(path)
    except (ValueError, OSError):
        return int(_may_be_dicom(path))
    if header is None:
        return int(path.suffix.lower() in DICOM_SUFFIXES and not is_dicom_file(path))
    return header.frames


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _may_be_dicom(path: Path) -> bool:
    try:
        return is_dicom_file(path)
    except OSError:
        return True


def real_path(path: Path) -> Path:
    """Return ``path`` without links; one that leads to itself as it is."""
    return Path(os.path.realpath(path))


def case_name(path: Path, root: Path) -> str:
    """Return a name for the case ``path`` of the input ``root``: its own, preceded by the folders below the input."""
    parts = path.relative_to(root).parts or (real_path(path).name,)
    name = NIFTI_NAME.sub("", "-".join(parts))
    name = name[: name.rindex(".")] if name.lower().endswith((".dcm", *VIDEO_SUFFIXES)) else name
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[-LONGEST:] or "case"


def unique_name(name: str, taken: set[str]) -> str:
    """Return ``name``, with a number if it is ``taken`` (whatever its case), and take it."""
    unique, number = name, 1
    while unique.lower() in taken:
        number += 1
        unique = f"{name}-{number}"
    taken.add(unique.lower())
    return unique
