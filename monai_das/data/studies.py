"""Cases on disk and on DICOMweb servers, from what a user types."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from monai_das.data.cases import case_name, find_cases, real_path, unique_name
from monai_das.data.dicomweb import DICOMwebService, is_address
from monai_das.data.messages import StudyError

if TYPE_CHECKING:
    from pydicom import Dataset

# a path, or the address of a series or object on a DICOMweb server
Study = Union[Path, str]
# storage classes with Rows and Columns that nobody acquired: Secondary Capture, Segmentation, Parametric Map, RT Dose
NOT_ACQUIRED = tuple(f"1.2.840.10008.5.1.4.1.1.{number}" for number in ("7", "66.4", "30", "481.2"))


def find_studies(inputs: Sequence[str | PathLike[str]], session: Any = None) -> list[tuple[str, Study]]:
    """Return ``(name, path or address)`` of every case in ``inputs``, for :func:`open_source`.

    Paths come from :func:`find_cases`, addresses from :func:`dicomweb_cases`; an address is named by its last UID.
    Inputs keep their order, names are unique, and what is given twice counts once. An input without a case is a case
    itself, so that finding never ends a run: ``open_source`` says what is wrong with it.

    Args:
        inputs: files, folders, and addresses on DICOMweb servers (``http://`` or ``https://``).
        session: a ``requests.Session`` for the servers; None for a plain one.

    Raises:
        ValueError: there is no input; an address is none of a study, or its study has no acquired images.
        ImportError: an address needs the extra ``dicom``.
    """
    if not inputs:
        return [*find_cases(inputs)]  # which says what to give
    cases: list[tuple[str, Study]] = []
    names: set[str] = set()
    known: set[Study] = set()
    for given in inputs:
        found: list[tuple[str, Study]]
        if is_address(given):
            found = [(each.rpartition("/")[2], each) for each in dicomweb_cases(str(given), session)]
        else:
            found = [*_on_disk(Path(given))]
        for name, study in found:
            place = real_path(study) if isinstance(study, Path) else study
            if place not in known:
                known.add(place)
                cases.append((unique_name(name, names), study))
    return cases


def _on_disk(root: Path) -> list[tuple[str, Path]]:
    try:
        return find_cases([root])
    except (OSError, ValueError):
        return [(case_name(root, root), root)]


def dicomweb_cases(address: str, session: Any = None, timeout: float = 30.0) -> list[str]:
    """Return the addresses of the cases at ``address``: a study, a series or an object on a DICOMweb server.

    Of a study, every series of acquired images is a case, by SeriesNumber: reports, Secondary Captures (our own among
    them), segmentations and localizers are skipped. A series of several multi-frame objects is a case for each. An
    object is a case. If the server does not answer as it should, ``address`` itself is the case, and opening it raises
    the error.

    Args:
        address: ``ROOT/studies/UID``, ``ROOT/studies/UID/series/UID`` or ``.../instances/UID``.
        session: a ``requests.Session`` with the server's credentials or certificates.
        timeout: seconds to wait for an answer.

    Returns:
        Addresses of series or objects, without the name and password that ``address`` may hold.

    Raises:
        ValueError: ``address`` is none of these, or the study has no series of acquired images; the message names what
            it has.
        ImportError: the extra ``dicom`` is not installed.
    """
    service = DICOMwebService(address, session, timeout)
    if service.instance is not None:
        return [service.name]
    try:
        found = service.metadata()
    except (OSError, ValueError):
        return [service.name]
    images = [tags for tags in found if "Rows" in tags and "Columns" in tags]
    if service.series is None:
        images = [tags for tags in images if _acquired(tags)]
        if found and not images:
            raise StudyError(service.name, f"no series of acquired images; there are {_kinds(found)}: give a series")
    groups: dict[str, list[Dataset]] = defaultdict(list)
    for tags in images:
        groups[str(tags.SeriesInstanceUID)].append(tags)
    order = sorted(groups, key=lambda uid: (min(int(tags.get("SeriesNumber") or 0) for tags in groups[uid]), uid))
    root = f"{service.root}/studies/{service.study}/series"
    return [f"{root}/{uid}{end}" for uid in order for end in _ends(groups[uid])] or [service.name]


def _acquired(tags: Dataset) -> bool:
    kind = str(tags.get("SOPClassUID"))
    words = tags.get("ImageType") or ()
    derived = any(kind == each or kind.startswith(f"{each}.") for each in NOT_ACQUIRED)
    return not derived and "LOCALIZER" not in words


def _ends(images: Sequence[Dataset]) -> list[str]:
    """Return what follows a series' address for each of its cases: the stack of its slices, and each clip."""
    clips = sorted(str(tags.SOPInstanceUID) for tags in images if int(tags.get("NumberOfFrames") or 1) > 1)
    if not clips or len(images) == 1:
        return [""]
    # slices beside clips cannot be told apart by an address: the series says so when it is opened
    return [*([""] if len(clips) < len(images) else []), *(f"/instances/{uid}" for uid in clips)]


def _kinds(found: Sequence[Dataset]) -> str:
    """Return how many series there are of each modality."""
    series = {str(tags.get("SeriesInstanceUID")): str(tags.get("Modality")) for tags in found}
    counts = Counter(series.values())
    return ", ".join(f"{count} series of modality {name}" for name, count in sorted(counts.items()))
