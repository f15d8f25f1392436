"""The one grouping of DICOM images into cases, for files, DICOMweb and Deploy: acquired images, one case a series."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from monai_das.data.dicom.acquired import SEGMENTATION, not_acquired
from monai_das.data.dicom.headers import ImageHeader, undecoded
from monai_das.data.messages import StudyError, harmless

COPY, OTHER = "copy of an image", "another series"
SHOWN = 6


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """What grouping needs to know of an image; far smaller than its header, as there may be 100,000.

    Attributes:
        path: its file; its SOPInstanceUID on a server.
        study: patient and study, as one text.
        series: SeriesInstanceUID; empty where it is missing.
        description: SeriesDescription, in letters of Latin-1.
        number: SeriesNumber.
        frames: number of frames.
        uid: SOPInstanceUID.
        place: position and orientation, as they are written; empty where there are none.
        instance: InstanceNumber; None where it is missing.
        kind: what it is if nobody acquired it, as :func:`not_acquired` says.
    """

    path: Path
    study: str
    series: str
    description: str
    number: int
    frames: int
    uid: str
    place: str
    instance: int | None
    kind: str | None


@dataclass(frozen=True)
class SeriesCase:
    """One case: the single-frame images of a series, or one object of several frames.

    Attributes:
        uid: SeriesInstanceUID; empty where the images have none.
        images: at least one, in the order they came.
        part: whether the series has other cases beside this one.
    """

    uid: str
    images: tuple[ImageRecord, ...]
    part: bool = False

    @property
    def clip(self) -> bool:
        """Whether it is one object of several frames."""
        return self.images[0].frames > 1


@dataclass(frozen=True)
class Grouping:
    """Cases by SeriesNumber and UID, and the images that belong to none, each with what it is."""

    cases: tuple[SeriesCase, ...]
    passed: tuple[tuple[str, ImageRecord], ...]


def image_record(header: ImageHeader) -> ImageRecord:
    """Return what grouping needs of ``header``."""
    study = "\\".join(undecoded(header, keyword) for keyword in ("PatientID", "StudyInstanceUID"))
    place = "\\".join(undecoded(header, key) for key in ("ImagePositionPatient", "ImageOrientationPatient"))
    number, instance = (_whole(undecoded(header, keyword)) for keyword in ("SeriesNumber", "InstanceNumber"))
    return ImageRecord(
        path=header.path,
        study=study,
        series=undecoded(header, "SeriesInstanceUID"),
        description=undecoded(header, "SeriesDescription"),
        number=number or 0,
        frames=header.frames,
        uid=undecoded(header, "SOPInstanceUID"),
        place=place.strip("\\"),
        instance=instance,
        kind=not_acquired(header),
    )


def group_series(records: Sequence[ImageRecord], series: str | None = None) -> Grouping:
    """Return the cases that ``records``, of any number of patients, folders and series, make up.

    Every series of acquired images is one case, wherever its files lie; an object of several frames is a case of its
    own. Folders that hold the same places of one series, such as a folder for each time point, are a case each, and so
    are folders of other patients. An image that lies in another folder too counts once. Images without
    SeriesInstanceUID belong together by folder.

    Args:
        records: images, from :func:`image_record`.
        series: take only series with this SeriesInstanceUID or SeriesDescription (upper and lower case are the same, *
            and ? are placeholders), even if nobody acquired them.
    """
    wanted = [record for record in records if _fits(record, series)]
    passed = [(OTHER, record) for record in records if not _fits(record, series)]
    chosen_anyway = series is not None and all(record.kind is not None for record in wanted)
    groups: dict[str, list[ImageRecord]] = defaultdict(list)
    for record in wanted:
        if record.kind == SEGMENTATION or (record.kind is not None and not chosen_anyway):
            passed.append((record.kind, record))
        else:
            # what has no UID is told apart by its folder
            groups[record.series or f" {record.path.parent}"].append(record)
    cases: list[SeriesCase] = []
    for members in groups.values():
        copies = _copies(members)
        passed += [(COPY, record) for record in members if record.path in copies]
        cases += _cases_of([record for record in members if record.path not in copies])
    parts = Counter(case.uid for case in cases)
    cases = [replace(case, part=parts[case.uid] > 1) for case in cases]
    numbers = {case.uid: min(each.images[0].number for each in cases if each.uid == case.uid) for case in cases}
    cases.sort(key=lambda case: (numbers[case.uid], case.uid, case.clip, str(case.images[0].path)))
    return Grouping(tuple(cases), tuple(passed))


def one_case(
    grouping: Grouping, path: Path | str, fits: Callable[[ImageRecord], bool] | None = None
) -> tuple[SeriesCase, int]:
    """Return the case that ``path`` is, and how many objects of several frames lie beside it.

    Args:
        grouping: of all images there.
        path: named in messages.
        fits: says whether an image may be meant, to choose one of several cases.

    Raises:
        ValueError: there is none, or there are several; the message says which, and how to choose one.
    """
    cases = grouping.cases
    if fits is not None and len(cases) > 1:
        cases = tuple(case for case in cases if any(map(fits, case.images))) or cases
    stacks = [case for case in cases if not case.clip]
    if len(stacks) == 1:
        return stacks[0], len(cases) - 1
    if len(cases) == 1:
        return cases[0], 0
    if not cases:
        raise _none_error(grouping, path)
    found = stacks or cases
    if len({case.uid for case in found}) == 1:
        raise StudyError(
            path,
            f"{len(found)} stacks or objects of several frames in one series; give each file or folder by itself",
            files=[case.images[0].path for case in found],
        )
    listed, texts = _listed([record for case in found for record in case.images])
    raise StudyError(
        path,
        f"{len({case.uid for case in found})} series in one folder, {listed}; split them first, one folder or file for "
        "each, or choose one by its SeriesInstanceUID (--series)",
        texts=texts,
    )


def _none_error(grouping: Grouping, path: Path | str) -> StudyError:
    others = [record for kind, record in grouping.passed if kind == OTHER]
    if others and len(others) == len(grouping.passed):
        listed, texts = _listed(others)
        return StudyError(path, f"no series fits the one asked for; there are {listed}: choose one", texts=texts)
    kinds = kinds_listing(kind for kind, _ in grouping.passed)
    return StudyError(
        path,
        f"no acquired images, only {kinds}; give the acquired series, or choose one all the same by its "
        "SeriesInstanceUID (--series)",
    )


def _listed(records: Sequence[ImageRecord]) -> tuple[str, list[str]]:
    """Return the series of ``records`` with their images, and the descriptions of these series."""
    counts = Counter(record.series for record in records)
    names = {record.series: record.description for record in records}
    shown = [f"{harmless(uid)} ({count} images)" for uid, count in sorted(counts.items())]
    more = [f"{len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
    return f"SeriesInstanceUID {', '.join(shown[:SHOWN] + more)}", [names[uid] for uid in sorted(counts)]


def kinds_listing(kinds: Iterable[str]) -> str:
    """Return how many there are of each of ``kinds``.

    Example:
        >>> kinds_listing(["localizer", "PDF", "localizer"])
        '2 x localizer, 1 x PDF'
    """
    return ", ".join(f"{count} x {kind}" for kind, count in Counter(kinds).most_common())


def _fits(record: ImageRecord, series: str | None) -> bool:
    if series is None:
        return True
    name, wanted = record.description.strip().casefold(), series.strip().casefold()
    return series == record.series or name == wanted or (bool(name) and fnmatchcase(name, wanted))


def _cases_of(members: Sequence[ImageRecord]) -> list[SeriesCase]:
    """Return the cases of the images of one series."""
    stacks = [stack for stack in _folders_apart([one for one in members if one.frames <= 1]) if stack]
    groups = [*stacks, *([record] for record in members if record.frames > 1)]
    return [SeriesCase(group[0].series, tuple(group)) for group in groups]


def _folders_apart(images: Sequence[ImageRecord]) -> list[list[ImageRecord]]:
    """Return ``images`` as one stack, or by folder where folders hold the same places, or other patients or studies."""
    folders: dict[Path, list[ImageRecord]] = defaultdict(list)
    for record in images:
        folders[record.path.parent].append(record)
    places = [{record.place for record in found} for found in folders.values()]
    studies = {frozenset(record.study for record in found) for found in folders.values()}
    if len(studies) < 2 and sum(map(len, places)) == len(set().union(*places)):
        return [list(images)]
    return list(folders.values())


def _copies(members: Sequence[ImageRecord]) -> set[Path]:
    """Return the files of images that lie in an earlier folder too: the same SOPInstanceUID, number and place."""
    known: dict[str, ImageRecord] = {}
    found = set()
    for record in members:
        first = known.setdefault(record.uid, record)
        same = (first.place, first.instance, first.frames) == (record.place, record.instance, record.frames)
        if record.uid and same and first.path.parent != record.path.parent:
            found.add(record.path)
    return found


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
