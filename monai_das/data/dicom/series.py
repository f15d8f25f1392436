"""Which images are in one folder (series, time points, echoes), and how one of them is chosen by its tags."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from monai_das.data.dicom.headers import ImageHeader
from monai_das.data.dicom.wanted import STACK_TAGS
from monai_das.data.messages import StudyError, harmless
from monai_das.data.source import TIME_POINT

SHOWN = 6


def chosen_headers(headers: Sequence[ImageHeader], choose: Mapping[str, object], path: Path | str) -> list[ImageHeader]:
    """Return the ``headers`` whose tags have all the values of ``choose``, compared as text.

    Args:
        headers: the images of ``path``, at least one.
        choose: DICOM keyword to value, as ``{"SeriesInstanceUID": "1.2.3", "EchoNumbers": 2}``; several values of one
            tag are joined by a backslash, as in DICOM. ``"time_point"`` is not a keyword: it is the 0-based number of
            the image at every place, counted by InstanceNumber, where no tag tells time points apart.
        path: named in the message.

    Raises:
        ValueError: no image has these values; the message lists those that are there.
    """
    left = list(headers)
    for keyword, value in sorted(choose.items(), key=lambda item: item[0] == TIME_POINT):
        if keyword == TIME_POINT and len(left) == 1 and left[0].framed:
            return left  # the frames of one object: header_stack chooses
        if keyword == TIME_POINT:
            return _time_point(left, value, path)
        kept = [header for header in left if text(header, keyword) == str(value)]
        if not kept:
            there, texts = counted(left, keyword)
            words = f"no image with {keyword} {harmless(str(value))}; there are {there}: choose one"
            raise StudyError(path, words, texts=[str(value), *texts])
        left = kept
    return left


def stack_choices(headers: Sequence[ImageHeader]) -> tuple[str, list[str]]:
    """Return which tag tells the stacks of one series apart, as the end of a message and its texts of headers.

    Empty if no tag does. A tag tells them apart if every value of it has one image at each of the same number of
    places, and the images at a place have different values. If no tag does, the order of InstanceNumber may:
    :func:`time_points`.
    """
    for keyword in STACK_TAGS:
        places = defaultdict(list)
        for header in headers:
            places[text(header, keyword)].append(text(header, "ImagePositionPatient"))
        sizes = {len(found) for found in places.values()}
        if len(places) > 1 and len(sizes) == 1 and all(len(set(found)) == len(found) for found in places.values()):
            found, texts = counted(headers, keyword)
            flag = "--echo" if keyword == "EchoNumbers" else f"--choose {keyword}=VALUE"
            return f", or choose one by {keyword}: {found} ({flag})", texts
    points = time_points(headers)
    if len(points) < 2:
        return "", []
    return f", or choose one by {TIME_POINT}: 0 to {len(points) - 1} ({len(points[0])} images each; --time-point)", []


def time_points(headers: Sequence[ImageHeader]) -> list[list[ImageHeader]]:
    """Return the images one stack after the other; empty unless every place has the same number of images.

    Images at one place are counted by InstanceNumber (0020,0013), as scanners count time points; no two may share it.
    """
    places = defaultdict(list)
    for header in headers:
        places[text(header, "ImagePositionPatient")].append(header)
    numbers = {header.number("InstanceNumber", -1) for header in headers}
    if len({len(found) for found in places.values()}) != 1 or len(numbers) < len(headers):
        return []
    sorted_places = [sorted(found, key=lambda one: one.number("InstanceNumber", -1)) for found in places.values()]
    return [list(point) for point in zip(*sorted_places, strict=True)]


def _time_point(headers: Sequence[ImageHeader], value: object, path: Path | str) -> list[ImageHeader]:
    points = time_points(headers)
    if not points:
        raise StudyError(
            path,
            f"no {TIME_POINT} to choose, as places have different numbers of images, or images share their "
            "InstanceNumber; choose by a tag, or split them first",
        )
    if str(value) not in map(str, range(len(points))):
        raise StudyError(path, f"no {TIME_POINT} {harmless(str(value))}; there are 0 to {len(points) - 1}: choose one")
    return points[int(str(value))]


def counted(headers: Sequence[ImageHeader], keyword: str) -> tuple[str, list[str]]:
    """Return the first few values of the tag ``keyword``, sorted, with their images, and those that are texts."""
    counts = Counter(text(one, keyword) for one in headers)
    return _counted(sorted(counts.items(), key=lambda item: (len(item[0]), item[0])))


def _counted(counts: Sequence[tuple[str, int]]) -> tuple[str, list[str]]:
    found = [f"{harmless(value)} ({count} images)" for value, count in counts]
    more = [f"{len(found) - SHOWN} more"] if len(found) > SHOWN else []
    texts = [value for value, _ in counts[:SHOWN] if harmless(value) != value]
    return ", ".join(found[:SHOWN] + more), texts


def check_no_copies(headers: Sequence[ImageHeader], path: Path | str) -> None:
    """Raise ``ValueError`` if two files of ``path`` hold the same image, naming them.

    One SOPInstanceUID for images of other numbers or places, which some converters write, is no copy.
    """
    known: dict[tuple[str, ...], ImageHeader] = {}
    for header in headers:
        uid = text(header, "SOPInstanceUID")
        image = (uid, text(header, "InstanceNumber"), text(header, "ImagePositionPatient"))
        if uid != "None" and image in known:
            words = f"two files are one image twice, SOPInstanceUID {harmless(uid)}; delete the copies"
            raise StudyError(path, words, files=[known[image].path, header.path])
        known[image] = header


def text(header: ImageHeader, keyword: str) -> str:
    """Return the tag ``keyword`` as text, several values joined by a backslash; "None" where it is missing."""
    return str(header.text(keyword))
