"""The DICOM objects of the selected slices, which our documents refer to and take patient and study from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monai_das.data import SliceSource, StudyError
from monai_das.inference import CaseResult, SelectedSlice

if TYPE_CHECKING:
    from pydicom import Dataset

# Type 2: must be there, may be empty; old files lack them
IDENTITY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"),
)
UNICODE = "ISO_IR 192"
# the functional groups of all frames: no document needs them
FRAMES = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")


@dataclass(frozen=True, eq=False)
class ReferencedSlice:
    """A selected slice with the header of its DICOM object, without pixels; frames of an object share one."""

    header: Dataset
    selected: SelectedSlice

    @property
    def frames(self) -> list[int] | None:
        """The frame to refer to, counted from 1, as a list; None for an object of one slice."""
        return None if self.selected.ref.frame is None else [self.selected.ref.frame]


def referenced_slices(result: CaseResult, source: SliceSource) -> list[ReferencedSlice]:
    """Return the selected slices of ``result`` with their headers, in its order.

    Headers are copies in Unicode, whatever Specific Character Set the files have. Identifying attributes that a file
    lacks are present and empty.

    Raises:
        ValueError: ``source`` is not DICOM, is not the source of ``result``, or the slices lie in a plane that was not
            acquired, so that no object holds them.
    """
    headers: dict[str, Dataset] = {}
    references = []
    for selected in result.selected:
        uid = selected.ref.sop_instance_uid
        if uid is None:
            raise _no_object(result)
        if uid not in headers:
            headers[uid] = _header(result, source, selected)
        references.append(ReferencedSlice(headers[uid], selected))
    return references


def distinct_headers(references: Sequence[ReferencedSlice]) -> list[Dataset]:
    """Return the header of every object once."""
    return list({str(each.header.SOPInstanceUID): each.header for each in references}.values())


def frames_by_object(references: Sequence[ReferencedSlice]) -> dict[str, list[int]]:
    """Return the frames to refer to by SOPInstanceUID, counted from 1; none for an object of one slice."""
    frames: dict[str, list[int]] = {}
    for each in references:
        frames.setdefault(str(each.header.SOPInstanceUID), []).extend(each.frames or ())
    return frames


def _header(result: CaseResult, source: SliceSource, selected: SelectedSlice) -> Dataset:
    header = source.header(selected.index)
    if header is None:
        raise _no_object(result)
    if header.SOPInstanceUID != selected.ref.sop_instance_uid:
        raise StudyError(
            result.case_id,
            f"slice {selected.index} is {selected.ref.sop_instance_uid} in the result and "
            f"{header.SOPInstanceUID} in the source; give the source that the result was made from",
        )
    return in_unicode(header)


def in_unicode(header: Dataset) -> Dataset:
    """Return a copy of ``header`` for a document in ISO_IR 192, without its functional groups."""
    found = deepcopy(header)
    for keyword in FRAMES:
        if keyword in found:
            delattr(found, keyword)
    # looking at an element decodes it by the set that it was read with
    for item in (found, *_items(found)):
        if item is found or "SpecificCharacterSet" in item:
            item.SpecificCharacterSet = UNICODE
    for keyword in IDENTITY:
        if keyword not in found:
            setattr(found, keyword, None)
    return found


def _items(tags: Dataset) -> Iterator[Dataset]:
    for element in tags:
        if element.VR == "SQ":
            for item in element.value:
                yield item
                yield from _items(item)


def _no_object(result: CaseResult) -> StudyError:
    if result.source_kind.startswith("dicom"):
        return StudyError(
            result.case_id,
            "the selected slices lie in a plane that was not acquired, no DICOM object holds them; "
            "leave the reports kos, sr, sc and fhir out",
        )
    return StudyError(
        result.case_id,
        f"DICOM reports (kos, sr, sc, fhir) refer to DICOM objects, this case is {result.source_kind}; "
        "leave them out, or give the DICOM series",
    )
