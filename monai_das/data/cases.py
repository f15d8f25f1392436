"""Cases on disk, from what a user types: files, DICOM folders, and folders of cases."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from monai_das.data.containers import VideoProbe
from monai_das.data.dicom import (
    DICOM_SUFFIXES,
    DICOMFolder,
    DICOMTree,
    Grouping,
    SeriesCase,
    keep_found,
    series_place,
)
from monai_das.data.formats import UNKNOWN, format_name
from monai_das.data.itk_volume import ITK_SUFFIXES
from monai_das.data.kinds import MGH_SUFFIXES, NIFTI_NAME, companions, file_kind
from monai_das.data.messages import StudyError, StudyNotFoundError
from monai_das.data.video import VIDEO_SUFFIXES
from monai_das.data.walk import Folder, walk_folders

# of a case's name, which is to be the name of a folder
LONGEST = 120
UNREADABLE_DICOM = "damaged DICOM file"
SUFFIXES = (".dcm", ".hdr", ".img", *MGH_SUFFIXES, *ITK_SUFFIXES, *VIDEO_SUFFIXES)


@dataclass
class FoundCases:
    """What one input holds.

    Attributes:
        cases: their paths, for :func:`open_source`, sorted.
        passed: the files that are no case, by what they are.
    """

    cases: list[Path] = field(default_factory=list)
    passed: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))


def find_cases(inputs: Sequence[str | PathLike[str]]) -> list[tuple[str, Path]]:
    """Return ``(name, path)`` of every case in ``inputs``, for :func:`open_source`.

    An input is a file (of any kind: ``open_source`` says whether it can be read), or a folder of cases at any depth. In
    a folder, these are cases: every series of acquired DICOM images, wherever its files lie; every DICOM file of
    several frames; every NIfTI, Analyze, MGH, NRRD or MetaImage file; and every video. What cannot be looked at (no
    permission, a link that leads to itself or nowhere, a damaged header) is a case too: ``open_source`` says why. What
    else lies in a folder is passed over: :func:`survey_studies` tells of it.

    The path of a series is its folder where it is the only one there, else that of ``series_place``. A name is made of
    the file's or folder's name below the input. It is safe for file systems, and unique also where upper and lower
    case are the same (``-2`` is appended). Inputs keep their order, cases within an input are sorted, and what is
    given twice counts once. Names may hold patient data if the files' names do.

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
        found = cases_in(root).cases
        if not found:
            raise StudyError(
                root,
                "no case found; a case is a NIfTI file, a video or a folder with DICOM files of acquired images",
            )
        for path in found:
            if real_path(path) not in known:
                known.add(real_path(path))
                cases.append((unique_name(case_name(path, root), names), path))
    return cases


def cases_in(root: Path, series: str | None = None) -> FoundCases:
    """Return the cases of one input, and what was passed over; nothing is raised.

    Args:
        root: a file or folder.
        series: of DICOM, take only this series, see :func:`find_studies`.
    """
    with suppress(OSError):
        if root.is_file():
            return _only_file(root, series)
    return _TreeOfCases(root, series).found()


def _only_file(path: Path, series: str | None) -> FoundCases:
    found = FoundCases([path])
    if series is not None:
        tree = DICOMTree(series)
        tree.add(path.parent, [path])
        if not tree.grouping().cases:
            found = FoundCases()
            found.passed["another series"].append(path)
    return found


class _TreeOfCases:
    """The cases of a folder and of those below it, in order of the folders and files."""

    def __init__(self, root: Path, series: str | None) -> None:
        self.root, self.series = root, series
        self.tree, self.probe = DICOMTree(series), VideoProbe()
        self.result = FoundCases()
        # with the folder or file, and the place among several series, by which they are sorted
        self.cases: list[tuple[tuple[str, ...], int, Path]] = []

    def found(self) -> FoundCases:
        for folder in walk_folders(self.root):
            self._look_into(folder)
        self._group()
        self.result.cases = [path for *_, path in sorted(self.cases)]
        return self.result

    def _look_into(self, folder: Folder) -> None:
        for name, count in folder.passed.items():
            self.result.passed[name] += [folder.path] * count
        if folder.path in folder.unreadable:
            self._add(folder.path)
            return
        for path in folder.special:
            if NIFTI_NAME.search(path.name) or path.suffix.lower() in SUFFIXES:
                self._add(path)
            else:
                self.result.passed["device, pipe or socket"].append(path)
        others = [path for path in (*folder.files, *folder.unreadable) if not self._by_kind(path)]
        beside = {other for path in folder.files for other in self._companions(path)}
        self.tree.add(folder.path, [path for path in others if path not in beside])

    def _by_kind(self, path: Path) -> bool:
        """Add ``path`` where another reader than that of DICOM is for it, and say so."""
        try:
            kind = file_kind(path)
        except OSError:
            self._add(path)
            return True
        if kind is None or path.suffix.lower() == ".img":
            return False
        if self.series is None:
            self._add(path)
        else:
            self.result.passed["no DICOM series"].append(path)
        return True

    def _companions(self, path: Path) -> list[Path]:
        try:
            return companions(path)
        except OSError:
            return []

    def _add(self, path: Path, order: int = 0) -> None:
        self.cases.append((path.parts, order, path))

    def _group(self) -> None:
        grouping = self.tree.grouping()
        for kind, record in grouping.passed:
            self.result.passed[kind if kind == "another series" else f"DICOM {kind}"].append(record.path)
        by_folder: dict[Path, list[SeriesCase]] = defaultdict(list)
        for case in grouping.cases:
            for folder in dict.fromkeys(record.path.parent for record in case.images):
                by_folder[folder].append(case)
        for order, case in enumerate(grouping.cases):
            self._add_series(case, order, grouping, by_folder)
        for each in self.tree.folders.values():
            self._rest(each, by_folder[each.path])

    def _add_series(
        self, case: SeriesCase, order: int, grouping: Grouping, by_folder: dict[Path, list[SeriesCase]]
    ) -> None:
        folders = list(dict.fromkeys(record.path.parent for record in case.images))
        others = [each for each in by_folder[folders[0]] if each is not case]
        clips = sum(each.clip for each in others)
        chosen = case.images[0].kind is not None
        if case.clip and (others or chosen):
            self._add(case.images[0].path)
            return
        path = folders[0]
        if chosen or len(folders) > 1 or len(others) > clips:
            path = series_place(Path(os.path.commonpath(folders)), case.uid)
        with suppress(OSError):  # whoever opens it hears why
            keep_found(path, self.tree.files(case, grouping, clips))
        self.cases.append((folders[0].parts, order, path))

    def _rest(self, folder: DICOMFolder, cases: list[SeriesCase]) -> None:
        """Sort the files of ``folder`` that are no images: lost slices make a case, others are passed over."""
        for name, path in folder.objects:
            self.result.passed[name].append(path)
        named = [path for path in folder.others if path.suffix.lower() in DICOM_SUFFIXES and path.exists()]
        if not cases and (folder.broken or named):
            # of one file by itself it can be said what it is
            self._add(named[0] if len(named) == 1 and not folder.broken else folder.path)
        elif folder.broken:
            self.result.passed[UNREADABLE_DICOM] += folder.broken
        for path in folder.others:
            if not cases and path in named:
                continue
            try:
                name = format_name(path)
                if name == UNKNOWN and self.series is None and self.probe(path):
                    self._add(path)
                else:
                    self.result.passed[name].append(path)
            except OSError:
                self._add(path)


def real_path(path: Path) -> Path:
    """Return ``path`` without links; one that leads to itself as it is."""
    return Path(os.path.realpath(path))


def case_name(path: Path, root: Path) -> str:
    """Return a name for the case ``path`` of the input ``root``: its own, preceded by the folders below the input."""
    parts = _parts(path, root) or (real_path(path).name,)
    name = NIFTI_NAME.sub("", "-".join(parts)).replace("#series=", "-")
    name = name[: name.rindex(".")] if name.lower().endswith(SUFFIXES) else name
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[-LONGEST:] or "case"


def _parts(path: Path, root: Path) -> tuple[str, ...]:
    try:
        return path.relative_to(root).parts
    except ValueError:  # a series in the input itself
        return (path.name,)


def unique_name(name: str, taken: set[str]) -> str:
    """Return ``name``, with a number if it is ``taken`` (whatever its case), and take it."""
    unique, number = name, 1
    while unique.lower() in taken:
        number += 1
        unique = f"{name}-{number}"
    taken.add(unique.lower())
    return unique
