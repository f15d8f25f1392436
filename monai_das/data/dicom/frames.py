"""The frames of one multi-frame DICOM object: where they lie (enhanced objects) or when they were taken (clips)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monai_das.data.dicom.geometry import SAME_MM, Plane
from monai_das.data.dicom.headers import ImageHeader, item_numbers
from monai_das.data.messages import StudyError

if TYPE_CHECKING:
    from pydicom import Dataset


def frame_planes(header: ImageHeader) -> list[Plane] | None:
    """Return where every frame lies, from the functional groups, or None for a clip.

    A clip has no functional groups, or no positions in them, or one position for all of its frames.

    Raises:
        ValueError: a frame has no position, orientation or spacing though others do.
    """
    per_frame = header.items("PerFrameFunctionalGroupsSequence")
    shared = next(iter(header.items("SharedFunctionalGroupsSequence")), None)
    found = [_frame_numbers(frame, shared, header.path) for frame in per_frame]
    if all(position is None for position, _, _ in found):
        return None
    if len(found) != header.frames:
        raise StudyError(
            header.path, f"{header.frames} frames, functional groups for {len(found)}; the file is damaged"
        )
    planes = []
    for number, (position, orientation, spacing) in enumerate(found, start=1):
        if position is None or orientation is None or spacing is None:
            raise StudyError(
                header.path,
                f"frame {number} lacks its position, orientation or pixel spacing in the functional "
                "groups; without them frames cannot be put in order: repair the file or convert it to NIfTI",
            )
        planes.append(Plane(f"frame {number}", tuple(position), tuple(orientation), tuple(spacing)))  # type: ignore[arg-type]
    positions = np.array([plane.position for plane in planes])
    return None if len(planes) > 1 and float(np.ptp(positions, axis=0).max()) < SAME_MM else planes


def frame_thickness(header: ImageHeader) -> float:
    """Return SliceThickness in mm: from the header, else from the first functional group that has it, else 1.0."""
    found = header.number_list("SliceThickness")
    groups = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
    for holder in (holder for group in groups for holder in header.items(group)):
        for item in holder.get("PixelMeasuresSequence") or ():
            found = found or item_numbers(item, "SliceThickness", header.path)
    return (found or [0.0])[0] or 1.0


def _frame_numbers(frame: Dataset, shared: Dataset | None, path: Path) -> list[list[float] | None]:
    """Return position, orientation and spacing of a frame, each from the frame itself or from the shared group."""
    wanted = (
        ("PlanePositionSequence", "ImagePositionPatient"),
        ("PlaneOrientationSequence", "ImageOrientationPatient"),
        ("PixelMeasuresSequence", "PixelSpacing"),
    )
    found: list[list[float] | None] = []
    for group, keyword in wanted:
        items = [item for holder in (frame, shared) if holder is not None for item in holder.get(group) or ()]
        found.append(next((value for item in items if (value := item_numbers(item, keyword, path))), None))
    return found


def functional_groups(tags: Dataset, at: int) -> list[Dataset]:
    """Return the functional groups of the 0-based frame ``at``, its own first, then the shared ones."""
    return [
        *(tags.get("PerFrameFunctionalGroupsSequence") or ())[at : at + 1],
        *(tags.get("SharedFunctionalGroupsSequence") or ()),
    ]


def frame_indices(header: ImageHeader, keyword: str) -> list[tuple[float, ...]]:
    """Return the numbers ``keyword`` in the frame content of every frame; empty where a frame has none."""
    found = []
    for holder in header.items("PerFrameFunctionalGroupsSequence"):
        content = next(iter(holder.get("FrameContentSequence") or ()), None)
        numbers = None if content is None else item_numbers(content, keyword, header.path)
        if not numbers:
            return []
        found.append(tuple(numbers))
    return found


def frame_times(header: ImageHeader) -> list[float] | list[None]:
    """Return the time of every frame since the first, in ms: from FrameTimeVector, FrameTime or a frame rate.

    All are None where the header gives no times.
    """
    count = header.frames
    vector = header.number_list("FrameTimeVector")
    if vector is not None and len(vector) == count:
        return [float(time) for time in np.cumsum([0.0, *vector[1:]])]
    step = _positive(header, "FrameTime")
    rate = _positive(header, "CineRate") or _positive(header, "RecommendedDisplayFrameRate")
    if step is None and rate is not None:
        step = 1000.0 / rate
    return [None] * count if step is None else [index * step for index in range(count)]


def _positive(header: ImageHeader, keyword: str) -> float | None:
    value = header.number_list(keyword)
    return value[0] if value and value[0] > 0 else None


def frame_rescale(header: ImageHeader, frame: int) -> tuple[float, float]:
    """Return slope and intercept of the 0-based ``frame``: its functional group's, the shared ones, or the header's."""
    per_frame = header.items("PerFrameFunctionalGroupsSequence")
    holders = [*per_frame[frame : frame + 1], *header.items("SharedFunctionalGroupsSequence")]
    for holder in holders:
        for item in holder.get("PixelValueTransformationSequence") or ():
            found = [item_numbers(item, keyword, header.path) for keyword in ("RescaleSlope", "RescaleIntercept")]
            return _rescale(*found)
    return _rescale(header.number_list("RescaleSlope"), header.number_list("RescaleIntercept"))


def _rescale(slope: list[float] | None, intercept: list[float] | None) -> tuple[float, float]:
    """Return both, by default 1 and 0; a slope of 0, which some writers leave, counts as 1."""
    return (slope or [1.0])[0] or 1.0, (intercept or [0.0])[0]
