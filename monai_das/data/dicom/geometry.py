"""From the planes that DICOM describes to one stack: the order of its slices and its affine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_das.data.messages import StudyError

SAME_MM = 1e-3
SAME_DIRECTION = 1e-3
LEAST_SINE = 0.5  # a header may be sloppy, but not have one direction only
IPP = "ImagePositionPatient (0020,0032)"
IOP = "ImageOrientationPatient (0020,0037)"
PIXEL_SPACING = "PixelSpacing (0028,0030)"
SPLIT = "split them first, one folder or file for each"


@dataclass(frozen=True)
class Plane:
    """Where one slice lies, in DICOM patient coordinates (LPS, mm).

    Attributes:
        label: its name in messages: a path, or a frame number.
        position: centre of its first pixel.
        orientation: direction of growing column index, then of growing row index (three cosines each).
        spacing: distance between rows, then between columns, in mm, as in PixelSpacing.
    """

    label: str
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]
    spacing: tuple[float, float]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across the plane."""
        across: NDArray[np.float64] = np.cross(self.orientation[:3], self.orientation[3:])
        return across / np.linalg.norm(across)


def check_extents(planes: Sequence[Plane], path: str) -> None:
    """Raise ``ValueError`` unless the planes have spacing, and the first two directions (DICOM PS3.3, C.7.6.2.1.1).

    :func:`stack_order` checks that the other planes have the directions of the first.
    """
    found, plane = None, next((plane for plane in planes if min(plane.spacing) <= 0.0), planes[0])
    if min(plane.spacing) <= 0.0:
        found = f"{PIXEL_SPACING} must be two positive numbers, is {list(plane.spacing)}"
    elif np.linalg.norm(np.cross(plane.orientation[:3], plane.orientation[3:])) < LEAST_SINE:
        found = f"{IOP} must be two directions at right angles, is {list(plane.orientation)}"
    if found is not None:
        raise StudyError(path, f"{found}; correct the header, or convert the images to NIfTI", files=[plane.label])


def stack_order(planes: Sequence[Plane], path: str) -> list[int]:
    """Return the order of ``planes`` along their normal.

    Raises:
        ValueError: the planes are not parallel, or two of them have one position (time points, echoes, copies); the
            message names ``path`` and the planes.
    """
    first = planes[0]
    turned = np.abs(np.array([plane.orientation for plane in planes]) - first.orientation).max(axis=1) > SAME_DIRECTION
    if turned.any():
        plane = planes[int(turned.argmax())]
        raise StudyError(
            path,
            f"slices of different orientation, {IOP} is {list(first.orientation)} in one and "
            f"{list(plane.orientation)} in another; {SPLIT}",
            files=[first.label, plane.label],
        )
    along = np.array([plane.position for plane in planes]) @ first.normal
    order = [int(place) for place in np.argsort(along, kind="stable")]
    steps = np.diff(along[order])
    if len(steps) and float(steps.min()) < SAME_MM:
        place = int(steps.argmin())
        one, other = planes[order[place]], planes[order[place + 1]]
        raise StudyError(
            path,
            f"{len(planes)} slices at {int((steps >= SAME_MM).sum()) + 1} positions, so several time points, "
            f"echoes or copies; for one, two share {IPP} {list(one.position)}; {SPLIT}",
            files=[one.label, other.label],
        )
    return order


def stack_affine(planes: Sequence[Plane], thickness: float) -> NDArray[np.float64]:
    """Return the affine ``(4, 4)`` of sorted ``planes``, from (column, row, slice) to mm in RAS, as NIfTI has it.

    The step from slice to slice is the mean one; a single plane steps by ``thickness`` mm along its normal.
    """
    first, last = planes[0], planes[-1]
    affine = np.eye(4)
    affine[:3, 0] = np.array(first.orientation[:3]) * first.spacing[1]
    affine[:3, 1] = np.array(first.orientation[3:]) * first.spacing[0]
    if len(planes) > 1:
        affine[:3, 2] = (np.array(last.position) - np.array(first.position)) / (len(planes) - 1)
    else:
        affine[:3, 2] = first.normal * thickness
    affine[:3, 3] = first.position
    to_ras: NDArray[np.float64] = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    return to_ras
