"""Turn the selected series into paths that :func:`monai_das.data.open_source` reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_das.data import CaseKey, Finding, PassedOver
from monai_das.data.dicom import DICOMTree, Grouping, ImageHeader, SeriesCase, header_ahead
from monai_das.data.formats import format_name
from monai_das.data.walk import walk_folders


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


@dataclass(frozen=True)
class StudyFiles:
    """The DICOM images in a folder and below it, grouped as ``monai-das predict`` groups them."""

    tree: DICOMTree
    grouping: Grouping

    def passed_over(self, selected: Sequence[str]) -> list[PassedOver]:
        """Return what no case is made of if the series ``selected`` are, by format."""
        found = Counter(f"DICOM {kind}" for kind, _ in self.grouping.passed)
        for folder in self.tree.folders.values():
            found.update(name for name, _ in folder.objects)
            found.update(map(format_name, folder.others))
        others = [case for case in self.grouping.cases if case.uid not in selected]
        found.update({"image of a series that no rule fits": sum(len(case.images) for case in others)})
        return [PassedOver(1, name, count) for name, count in sorted(found.items()) if count]

    def check_whole(self) -> None:
        """Raise ``ValueError`` if DICOM files are damaged that belong to no series; the message only counts them."""
        known = {path for case in self.grouping.cases for path in self.tree.files(case, self.grouping).lost}
        count = sum(path not in known for folder in self.tree.folders.values() for path in folder.broken)
        if count:
            raise ValueError(Finding(f"{count} DICOM files of the study are damaged or cut off; copy the study again"))


def study_files(folder: Path, series: str | None = None) -> StudyFiles:
    """Return the DICOM images in ``folder`` and below it; of all series, or of ``series`` (its UID or description).

    If several images share a position, such as a second echo, the SDK's own loader keeps one of them without a message.
    This function finds all of them, so that the code which stacks them can refuse. It keeps the headers for opening the
    cases.
    """
    tree = DICOMTree(series)
    for each in walk_folders(folder):
        tree.add(each.path, each.files)
    return StudyFiles(tree, tree.grouping())


def make_cases(selected: Sequence[str], files: StudyFiles, folder: Path, case_key: CaseKey) -> list[DeployCase]:
    """Return the cases of the series ``selected``; their files are linked below ``folder``.

    Links gather the files of each case, from however many folders, without copying them; files that may be lost slices
    are among them, so that opening the case says so. Their names are numbers, so that no message holds a file's own
    name. A series that is selected twice counts once. Images that nobody acquired are no case, whatever the rules say.

    Args:
        selected: SeriesInstanceUIDs, in the order of the rules.
        files: from :func:`study_files`.
        folder: an empty folder, which must exist as long as the cases are read.
        case_key: makes their ids.
    """
    chosen = [case for uid in dict.fromkeys(selected) for case in files.grouping.cases if case.uid == uid]
    cases = []
    for number, case in enumerate(chosen):
        known = files.tree.files(case, files.grouping)
        place = folder / f"{number:05d}"
        links = _linked([*known.images, *(() if case.clip else known.lost)], place)
        cases.append(DeployCase(case_key.headers_id(_headers(case)), case.uid, links[0] if case.clip else place))
    return cases


def _headers(case: SeriesCase) -> list[ImageHeader]:
    return [header for record in case.images if (header := header_ahead(record.path)) is not None]


def _linked(files: Sequence[Path], folder: Path) -> list[Path]:
    """Make ``folder`` and return links in it to ``files``, in their order."""
    folder.mkdir()
    links = [folder / f"{number:05d}.dcm" for number in range(1, len(files) + 1)]
    for link, file in zip(links, files, strict=True):
        link.symlink_to(file.resolve())
    return links


def no_series_message(files: StudyFiles) -> str:
    """Return why nothing was selected: the folder has no acquired image, or no rule fits its series, by modality."""
    if not files.grouping.cases:
        kind = "acquired DICOM image" if files.grouping.passed else "DICOM image"
        return f"the input folder holds no {kind}; give the folder of a study"
    kinds = sorted(str(_headers(case)[0].text("Modality")) for case in files.grouping.cases)
    return f"no series fits the rules, there are {len(kinds)} of modality {', '.join(kinds)}; change rules.json"
