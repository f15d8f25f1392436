"""Which files are one series: found once for a whole tree of folders, and known when the series is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from urllib.parse import quote, unquote

from monai_das.data.dicom.acquired import object_name
from monai_das.data.dicom.bare import is_dicom_file, read_dataset
from monai_das.data.dicom.folder import header_ahead
from monai_das.data.dicom.grouping import (
    Grouping,
    ImageRecord,
    SeriesCase,
    group_series,
    image_record,
    kinds_listing,
    one_case,
)
from monai_das.data.dicom.strays import faulty, is_suspect, lost_slices, ordinals
from monai_das.data.messages import Finding, StudyError
from monai_das.data.walk import natural, walk_folders

# behind the folder of a series, where the folder alone does not say which
PLACE = re.compile(r"#series=([^/#]+)$")


@dataclass(frozen=True)
class SeriesFiles:
    """The files of one case.

    Attributes:
        uid: SeriesInstanceUID.
        images: files of its images.
        lost: files that may be slices of it, but cannot be read.
        beside: other files in its folders that are empty or of no known kind.
        clips: how many objects of several frames lie beside the slices, cases of their own.
        kind: what it is if nobody acquired it, as it was chosen all the same.
    """

    uid: str
    images: tuple[Path, ...]
    lost: tuple[Path, ...] = ()
    beside: tuple[Path, ...] = ()
    clips: int = 0
    kind: str | None = None

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What a reader of the series should know."""
        found = []
        if self.kind is not None:
            found.append(Finding(f"not an acquired image, but a {self.kind}"))
        if self.clips:
            found.append(Finding(f"{self.clips} objects of several frames lie beside the slices and are not read here"))
        if self.beside:
            words = f"{len(self.beside)} files beside the images are empty or no file that is known"
            found.append(Finding(f"{words}: {ordinals(self.beside)}", faulty(self.beside)))
        return tuple(found)


@dataclass
class DICOMFolder:
    """The files of one folder, sorted into images, broken ones, other DICOM objects, and files that are no DICOM."""

    path: Path
    images: list[ImageRecord] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)
    objects: list[tuple[str, Path]] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    def add(self, file: Path) -> None:
        """Look at the header of ``file``; its header is kept for opening."""
        try:
            header = header_ahead(file)
            if header is not None:
                self.images.append(image_record(header))
            elif is_dicom_file(file):
                self.objects.append((_object_name(file), file))
            else:
                self.others.append(file)
        except ValueError:
            self.broken.append(file)
        except OSError:
            self.others.append(file)

    def lost(self) -> list[Path]:
        """Return the files that may be slices of some series here."""
        if not self.images:
            return []
        return [*self.broken, *lost_slices(self.others, [record.path for record in self.images])]


class DICOMTree:
    """All DICOM images of a folder and those below it, grouped into cases.

    Args:
        series: which series to take, see :func:`group_series`.
    """

    def __init__(self, series: str | None = None) -> None:
        self.series = series
        self.folders: dict[Path, DICOMFolder] = {}

    def add(self, folder: Path, files: Iterable[Path]) -> DICOMFolder:
        """Look at the headers of ``files``, which lie in ``folder``."""
        found = self.folders.setdefault(folder, DICOMFolder(folder))
        for file in files:
            found.add(file)
        return found

    def grouping(self) -> Grouping:
        """Return the cases, and what was passed over."""
        records = [record for folder in self.folders.values() for record in folder.images]
        return group_series(records, self.series)

    def files(self, case: SeriesCase, grouping: Grouping, clips: int = 0) -> SeriesFiles:
        """Return the files of ``case``, one of the ``grouping`` of this tree."""
        images = tuple(record.path for record in case.images)
        folders = list(dict.fromkeys(path.parent for path in images))
        lost = [path for folder in folders for path in self._lost_of(case, self.folders[folder], grouping)]
        beside = [
            path
            for folder in folders
            for path in (*self.folders[folder].broken, *filter(is_suspect, self.folders[folder].others))
            if path not in lost
        ]
        return SeriesFiles(case.uid, images, tuple(lost), tuple(beside), clips, case.images[0].kind)

    def _lost_of(self, case: SeriesCase, folder: DICOMFolder, grouping: Grouping) -> list[Path]:
        """Return which lost files of ``folder`` may be slices of ``case``: those next to its images by name.

        In a folder with one case they all are.
        """
        lost = folder.lost()
        if not lost:
            return []
        owners = {record.path: each for each in grouping.cases for record in each.images}
        here = {owners[record.path].images[0].path for record in folder.images if record.path in owners}
        if len(here) < 2:
            return lost
        return [path for path in lost if case in _neighbours(path, folder, owners)]


def _neighbours(path: Path, folder: DICOMFolder, owners: dict[Path, SeriesCase]) -> list[SeriesCase]:
    """Return the cases of the images before and after ``path``, by name."""
    images = sorted((record.path for record in folder.images), key=natural)
    before = [image for image in images if natural(image) < natural(path)][-1:]
    after = [image for image in images if natural(image) > natural(path)][:1]
    return [owners[image] for image in (*before, *after) if image in owners]


def series_place(folder: Path, uid: str) -> Path:
    """Return the path of the series ``uid`` (or its description) in ``folder`` or below it, for ``open_source``.

    Example:
        >>> series_place(Path("export"), "1.2.3").as_posix()
        'export#series=1.2.3'
    """
    return folder.with_name(f"{folder.name}#series={quote(uid, safe='')}")


def split_place(path: Path) -> tuple[Path, str | None]:
    """Return the folder and the series of what :func:`series_place` made; any other path and None."""
    found = PLACE.search(path.name)
    if found is None or path.exists():
        return path, None
    return path.with_name(path.name[: found.start()]), unquote(found[1])


class _Found:
    """What was found and not opened yet, by its path, while the folders are as they were."""

    def __init__(self) -> None:
        self._kept: dict[Path, tuple[dict[Path, int], SeriesFiles]] = {}
        self._lock = Lock()

    def put(self, path: Path, found: SeriesFiles) -> None:
        folders = {file.parent for file in found.images}
        with self._lock:
            self._kept[path] = ({folder: folder.stat().st_mtime_ns for folder in folders}, found)

    def take(self, path: Path) -> SeriesFiles | None:
        with self._lock:
            state, found = self._kept.pop(path, ({}, None))
        try:
            same = all(folder.stat().st_mtime_ns == changed for folder, changed in state.items())
        except OSError:
            same = False
        return found if same else None


_FOUND = _Found()
keep_found: Callable[[Path, SeriesFiles], None] = _FOUND.put


def series_files(path: Path, series: str | None = None, fits: Callable[[Path], bool] | None = None) -> SeriesFiles:
    """Return the files of the one series that the folder or place ``path`` is.

    Args:
        path: a folder, whose own files are looked at; or a path of :func:`series_place`, where those below are too.
        series: SeriesInstanceUID or description, to choose one of several.
        fits: says whether a file may be meant, to choose among several series by other tags.

    Raises:
        ValueError: there is no series of acquired images, or there are several.
    """
    found = _FOUND.take(path) if series is None else None
    if found is not None:
        return found
    folder, place = split_place(path)
    tree = DICOMTree(place if series is None else series)
    for each in walk_folders(folder, below=place is not None):
        if folder in each.unreadable:
            os.scandir(folder)  # which says why not
        tree.add(each.path, [*each.files, *(path for path in each.unreadable if path != each.path)])
    grouping = tree.grouping()
    _check_any(tree, grouping, path)
    case, clips = one_case(grouping, path, None if fits is None else lambda record: fits(record.path))
    return tree.files(case, grouping, clips)


def _check_any(tree: DICOMTree, grouping: Grouping, path: Path) -> None:
    """Raise ``ValueError`` if the tree has no image: the first broken one, or what there is."""
    if grouping.cases or grouping.passed:
        return
    for folder in tree.folders.values():
        for file in folder.broken:
            header_ahead(file)  # which says what is wrong
    there = kinds_listing(name for folder in tree.folders.values() for name, _ in folder.objects)
    holds = f"; it holds {there}" if there else ""
    raise StudyError(
        path,
        "a folder without DICOM images; give a NIfTI file, a DICOM file, or a folder with the files of one "
        f"series{holds}",
    )


def _object_name(file: Path) -> str:
    tags = read_dataset(file, stop_before_pixels=True, specific_tags=["SOPClassUID", "DirectoryRecordSequence"])
    uid = tags.get("SOPClassUID") or tags.file_meta.get("MediaStorageSOPClassUID") or ""
    return f"DICOM {object_name(str(uid))}"
