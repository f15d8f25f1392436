"""Turn the selected series into paths that :func:`monai_das.data.open_source` reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_das.data import CaseKey, Finding
from monai_das.data.dicom import ImageHeader, header_ahead, is_dicom_file, lost_slices


@dataclass(frozen=True)
class DeployCase:
    """One case of a study: a stack of single-frame images, or one multi-frame object.

    Attributes:
        case_id: by its UIDs and the key of the installation, as in ``monai-das predict``.
        series: its SeriesInstanceUID.
        path: a folder of links to the images, or a link to the file of a multi-frame object.
    """

    case_id: str
    series: str
    path: Path


def image_files(folder: Path) -> dict[str, list[ImageHeader]]:
    """Return the headers of all DICOM images in ``folder`` and below it, by SeriesInstanceUID, sorted by path.

    If several images share a position, such as a second echo, the SDK's own loader keeps one of them without a message.
    This function finds all of them, so that the code which stacks them can refuse. It keeps the headers for opening the
    cases.

    Raises:
        ValueError: DICOM files are damaged or empty; the message only counts them: a name may hold a patient's.
    """
    found = defaultdict(list)
    damaged = 0
    for file in sorted(path for path in folder.rglob("*") if is_dicom_file(path)):
        try:
            header = header_ahead(file)
        except ValueError:
            damaged += 1
            continue
        if header is not None:
            found[str(header.tags.get("SeriesInstanceUID"))].append(header)
    damaged += _lost(folder, [header.path for headers in found.values() for header in headers])
    if damaged:
        raise ValueError(Finding(f"{damaged} DICOM files of the study are damaged or cut off; copy the study again"))
    return dict(found)


def _lost(folder: Path, images: Sequence[Path]) -> int:
    """Return how many files beside ``images`` may be slices that are empty or broken."""
    beside = defaultdict(list)
    for path in images:
        beside[path.parent].append(path)
    others = [path for path in folder.rglob("*") if path.is_file() and not is_dicom_file(path)]
    return sum(len(lost_slices([path], beside[path.parent])) for path in others)


def make_cases(
    selected: Sequence[str], files: Mapping[str, Sequence[ImageHeader]], folder: Path, case_key: CaseKey
) -> list[DeployCase]:
    """Return the cases of the series ``selected``; their files are linked below ``folder``.

    A series may lie in several folders, and a folder may hold several series. Links gather the files of each case
    without copying them. Their names are numbers, so that no message holds a file's own name. A series that is selected
    twice counts once.

    Args:
        selected: SeriesInstanceUIDs, in the order of the rules.
        files: from :func:`image_files`.
        folder: an empty folder, which must exist as long as the cases are read.
        case_key: makes their ids.
    """
    cases: list[DeployCase] = []
    for uid in dict.fromkeys(selected):
        headers = files.get(uid, ())
        stack = [header for header in headers if header.frames == 1]
        clips = [header for header in headers if header.frames > 1]
        for members in ([stack] if stack else []) + [[clip] for clip in clips]:
            place = folder / f"{len(cases):05d}"
            links = _linked([header.path for header in members], place)
            path = links[0] if members[0].frames > 1 else place
            cases.append(DeployCase(case_key.headers_id(members), uid, path))
    return cases


def _linked(files: Sequence[Path], folder: Path) -> list[Path]:
    """Make ``folder`` and return links in it to ``files``, in their order."""
    folder.mkdir()
    links = [folder / f"{number:05d}.dcm" for number in range(1, len(files) + 1)]
    for link, file in zip(links, files, strict=True):
        link.symlink_to(file.resolve())
    return links


def no_series_message(files: Mapping[str, Sequence[ImageHeader]]) -> str:
    """Return why nothing was selected: the folder has no image, or no rule fits its series, listed by modality."""
    if not files:
        return "the input folder holds no DICOM image; give the folder of a study"
    kinds = sorted(str(headers[0].tags.get("Modality")) for headers in files.values())
    return f"no series fits the rules, there are {len(kinds)} of modality {', '.join(kinds)}; change rules.json"
