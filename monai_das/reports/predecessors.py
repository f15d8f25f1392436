"""Earlier reports, which a new report of another model refers to as its predecessors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das.inference import CaseResult
from monai_das.reports.document import MANUFACTURER, model_uid

if TYPE_CHECKING:
    from pydicom import Dataset

SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.33"
OBSERVER_UID = "121012"


@dataclass(frozen=True)
class Predecessor:
    """What to know of an earlier report to refer to it.

    Attributes:
        study, series, uid: of the report.
        model: UID of the model that it names as its observer.
        images: SeriesInstanceUIDs of the images that it is about.
    """

    study: str
    series: str
    uid: str
    model: str
    images: frozenset[str]


def find_reports(places: Iterable[Path]) -> list[Predecessor]:
    """Return our reports (``*.dcm``) in ``places``, files or folders with all below them, by their UIDs.

    Raises:
        FileNotFoundError: a place does not exist.
        ValueError: a file that was named is no report of ours.
    """
    found: dict[str, Predecessor] = {}
    for place in places:
        if not place.exists():
            raise FileNotFoundError(f"{place}: no such file or folder; give an earlier OUT, or a report.dcm in it")
        files = sorted(place.rglob("*.dcm")) if place.is_dir() else [place]
        for file in files:
            report = _report(file)
            if report is not None:
                found[report.uid] = report
            elif not place.is_dir():
                raise ValueError(f"{place} is no report that monai-das wrote; give an earlier OUT, or a report.dcm")
    return sorted(found.values(), key=lambda each: each.uid)


def predecessors_of(
    result: CaseResult, headers: Sequence[Dataset], known: Sequence[Predecessor]
) -> list[Dataset] | None:
    """Return which of ``known`` are of the images ``headers`` and of another model; None where there is none."""
    from pydicom import Dataset

    study, series = str(headers[0].StudyInstanceUID), {str(header.SeriesInstanceUID) for header in headers}
    found = []
    for each in known:
        if each.study == study and each.images & series and each.model != model_uid(result.model):
            tags = Dataset()
            tags.StudyInstanceUID, tags.SeriesInstanceUID = each.study, each.series
            tags.SOPClassUID, tags.SOPInstanceUID = SR_CLASS, each.uid
            found.append(tags)
    return found or None


def _report(file: Path) -> Predecessor | None:
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        tags = dcmread(file, stop_before_pixels=True)
    except InvalidDicomError:
        return None
    if tags.get("SOPClassUID") != SR_CLASS or tags.get("Manufacturer") != MANUFACTURER:
        return None
    evidence = [
        str(series.SeriesInstanceUID)
        for study in tags.get("CurrentRequestedProcedureEvidenceSequence") or ()
        for series in study.ReferencedSeriesSequence
    ]
    model = next(_observers(tags), "")
    uids = str(tags.StudyInstanceUID), str(tags.SeriesInstanceUID), str(tags.SOPInstanceUID)
    return Predecessor(*uids, model, frozenset(evidence))


def _observers(tags: Dataset) -> Iterator[str]:
    for item in tags.get("ContentSequence") or ():
        if item.ValueType == "UIDREF" and item.ConceptNameCodeSequence[0].CodeValue == OBSERVER_UID:
            yield str(item.UID)
