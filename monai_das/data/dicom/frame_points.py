"""The time points inside one enhanced object, and the order of the frames of one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from monai_das.data.dicom.frames import frame_indices
from monai_das.data.dicom.geometry import SAME_MM, Plane, stack_order
from monai_das.data.dicom.headers import ImageHeader
from monai_das.data.messages import StudyError, harmless
from monai_das.data.source import TIME_POINT

TEMPORAL, DIMENSIONS = "TemporalPositionIndex", "DimensionIndexValues"
Place = tuple[int, ...]


def frame_order(header: ImageHeader, planes: Sequence[Plane], time_point: object = None) -> list[int]:
    """Return the 0-based frames of the stack in order along its normal: all, or those of one 0-based ``time_point``.

    Raises:
        ValueError: frames share a place and no time point was asked for, or there is none such.
    """
    if time_point is None:
        try:
            return stack_order(planes, str(header.path))
        except StudyError as error:
            points = frame_points(header, planes)
            if len(points) < 2:
                raise
            choice = (
                f", or choose one by {TIME_POINT}: 0 to {len(points) - 1} ({len(points[0])} frames each; --time-point)"
            )
            raise StudyError(header.path, f"{error.finding.plain}{choice}", error.finding.files) from error
    points = frame_points(header, planes)
    if not points:
        raise StudyError(
            header.path,
            f"no {TIME_POINT} to choose, as {TEMPORAL} (0020,9128) does not tell frames at one place "
            "apart; convert the object to NIfTI",
        )
    if str(time_point) not in map(str, range(len(points))):
        raise StudyError(
            header.path, f"no {TIME_POINT} {harmless(str(time_point))}; there are 0 to {len(points) - 1}: choose one"
        )
    frames = points[int(str(time_point))]
    order = stack_order([planes[frame] for frame in frames], str(header.path))
    return [frames[place] for place in order]


def frame_points(header: ImageHeader, planes: Sequence[Plane]) -> list[list[int]]:
    """Return the frames of every time point, echo or other image of the same places; empty where nothing tells them.

    TemporalPositionIndex tells them apart, or else those of the DimensionIndexValues that differ at one place, such as
    that of the echo. All must have the same places, once.
    """
    places = [tuple(round(number / SAME_MM) for number in plane.position) for plane in planes]
    for indices in (frame_indices(header, TEMPORAL), _other_dimensions(frame_indices(header, DIMENSIONS), places)):
        points = _points(indices, places)
        if points:
            return points
    return []


def _points(indices: Sequence[tuple[float, ...]], places: Sequence[Place]) -> list[list[int]]:
    """Return the frames by their indices, sorted; empty unless all have the same places, once."""
    if len(indices) != len(places):
        return []
    found: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for frame, index in enumerate(indices):
        found[index].append(frame)
    covered = [sorted(places[frame] for frame in frames) for frames in found.values()]
    if any(one != covered[0] or len(set(one)) < len(one) for one in covered):
        return []
    return [found[index] for index in sorted(found)]


def _other_dimensions(values: Sequence[tuple[float, ...]], places: Sequence[Place]) -> list[tuple[float, ...]]:
    """Return those of the dimension index ``values`` of every frame that differ between frames at one place."""
    if len(values) != len(places) or len({len(one) for one in values}) != 1:
        return []
    first = dict(zip(places, values, strict=True))
    columns = [
        column
        for column in range(len(values[0]))
        if any(value[column] != first[place][column] for place, value in zip(places, values, strict=True))
    ]
    return [tuple(value[column] for column in columns) for value in values]
