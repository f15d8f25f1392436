"""Cases on disk, from what a user types: files, DICOM folders, and folders of cases."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

from monai_das.data.dicom import header_ahead, is_dicom_file
from monai_das.data.video import VIDEO_SUFFIXES, is_video_file

NIFTI_NAME = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)


def find_cases(inputs: Sequence[str | PathLike[str]]) -> list[tuple[str, Path]]:
    """Return ``(name, path)`` of every case in ``inputs``, for :func:`open_source`.

    An input is a file (of any kind: ``open_source`` says whether it can be read), a folder with the DICOM files of one
    series, or a folder of cases at any depth: folders with DICOM files, NIfTI files, videos, and DICOM files of several
    frames, each of which is a case. Everything else in a folder is skipped.

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
        found = list(_cases_in(root))
        if not found:
            raise ValueError(f"{root}: no case found; a case is a NIfTI file, a video or a folder with DICOM files")
        for path in found:
            if path.resolve() not in known:
                known.add(path.resolve())
                cases.append((unique_name(_name(path, root), names), path))
    return cases


def _cases_in(path: Path) -> Iterator[Path]:
    """Yield the cases of one input, sorted."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if path.is_file():
        yield path
        return
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    yield from _dicom_cases(path, entries)
    for entry in entries:
        if entry.is_dir():
            yield from _cases_in(entry)
        elif NIFTI_NAME.search(entry.name) or is_video_file(entry):
            yield entry


def _dicom_cases(folder: Path, entries: list[Path]) -> Iterator[Path]:
    """Yield ``folder`` if the DICOM files directly in it are one case, and each of several multi-frame files."""
    stack, clips = False, []
    for entry in filter(Path.is_file, entries):
        frames = _frames(entry)
        stack = stack or frames == 1
        if frames > 1:
            clips.append(entry)
    if stack or len(clips) == 1:
        yield folder
    if stack or len(clips) > 1:
        yield from clips


def _frames(path: Path) -> int:
    """Return the number of frames of a file, 0 if it is not a DICOM image; its header is kept for opening.

    A damaged DICOM file counts as 1; its error comes when it is opened.
    """
    try:
        header = header_ahead(path)
    except ValueError:
        return int(is_dicom_file(path))
    return 0 if header is None else header.frames


def _name(path: Path, root: Path) -> str:
    """Return a name for the case ``path`` of the input ``root``: its own, preceded by the folders below the input."""
    parts = path.relative_to(root).parts or (path.resolve().name,)
    name = NIFTI_NAME.sub("", "-".join(parts))
    name = name[: name.rindex(".")] if name.lower().endswith((".dcm", *VIDEO_SUFFIXES)) else name
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-") or "case"


def unique_name(name: str, taken: set[str]) -> str:
    """Return ``name``, with a number if it is ``taken`` (whatever its case), and take it."""
    unique, number = name, 1
    while unique.lower() in taken:
        number += 1
        unique = f"{name}-{number}"
    taken.add(unique.lower())
    return unique
