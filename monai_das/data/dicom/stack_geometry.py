"""How regular a stack of slices is, in numbers: spacing, missing slices, gantry tilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_das.data.dicom.stack import DICOMStack, dicom_stack
from monai_das.data.messages import StudyError

# steps that differ less than this from the median one, as a part of it, are equal
SAME_STEP = 0.01
STRAIGHT_DEGREES = 0.1
# what rounding in a header may do to a position
LEAST_MM = 0.02


@dataclass(frozen=True)
class StackGeometry:
    """The steps of a stack from slice to slice, along the slice normal.

    Attributes:
        steps_mm: distance of every slice from the one before it, D - 1 of them.
        spacing_mm: the median step; None for fewer than two slices.
        missing: ``(index, count)``: after the slice ``index``, ``count`` slices are missing, as the step is a
            multiple of the median one.
        uneven: indices of the slices after which the step is neither the median one nor a multiple of it.
        tilt_degrees: angle between the slice normal and the line through the slices' corners, that is the tilt of the
            gantry; 0.0 for fewer than two slices.
        shifted: ``(index, mm)`` of the slices whose corner lies beside that line, and how far.
    """

    steps_mm: tuple[float, ...]
    spacing_mm: float | None
    missing: tuple[tuple[int, int], ...]
    uneven: tuple[int, ...]
    tilt_degrees: float
    shifted: tuple[tuple[int, float], ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence with numbers for everything that an affine cannot describe, or only with shear; else empty."""
        found = []
        if self.missing:
            where = ", ".join(f"{count} after slice {index}" for index, count in self.missing)
            found.append(f"{sum(count for _, count in self.missing)} slices missing ({where})")
        if self.uneven:
            found.append(
                f"uneven spacing, {min(self.steps_mm):.4g} to {max(self.steps_mm):.4g} mm with a median of "
                f"{self.spacing_mm:.4g} mm, first after slice {self.uneven[0]}"
            )
        if self.tilt_degrees > STRAIGHT_DEGREES:
            found.append(f"gantry tilt of {self.tilt_degrees:.2f} degrees")
        if self.shifted:
            place, distance = max(self.shifted, key=lambda one: one[1])
            found.append(f"{len(self.shifted)} slices shifted in their plane, slice {place} by {distance:.4g} mm")
        return tuple(found)

    @property
    def warnings(self) -> tuple[str, ...]:
        """:attr:`problems` as one sentence for a reader; empty where there are none."""
        return (f"irregular stack of slices: {'; '.join(self.problems)}",) if self.problems else ()

    def require_regular(self, name: str) -> None:
        """Raise ``ValueError`` with all :attr:`problems` of the stack ``name``, for code that needs true geometry."""
        if self.problems:
            raise StudyError(name, f"{'; '.join(self.problems)}; resample the series to a regular grid first")


def dicom_geometry(path: str | PathLike[str]) -> StackGeometry | None:
    """Return how regular the DICOM folder or file ``path`` is, from headers only; None where there is no anatomy.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: as :func:`monai_das.data.dicom_slice_refs`. Irregular spacing is not an error but is reported.
    """
    return geometry_of(dicom_stack(Path(path)))


def geometry_of(stack: DICOMStack) -> StackGeometry | None:
    """Return how regular ``stack`` is; None where there is no anatomy."""
    if stack.affine is None:
        return None
    positions = [ref.position_mm for ref in stack.refs if ref.position_mm is not None]
    # RAS to LPS, in which the positions are
    across = np.diag([-1.0, -1.0, 1.0]) @ np.cross(stack.affine[:3, 0], stack.affine[:3, 1])
    return stack_geometry(positions, across)


def stack_geometry(positions: Sequence[Sequence[float]], normal: NDArray[np.float64]) -> StackGeometry:
    """Return how regular slices at sorted ``positions`` ``(D, 3)`` in mm are along their ``normal`` ``(3,)``.

    The normal may have any length and either sign, in the positions' own coordinates.
    """
    if len(positions) < 2:
        return StackGeometry((), None, (), (), 0.0)
    places = np.asarray(positions, dtype=np.float64)
    unit = normal / np.linalg.norm(normal)
    steps = np.abs(np.diff(places @ unit))
    spacing = float(np.median(steps))
    multiples = np.maximum(np.rint(steps / spacing), 1.0)
    whole = np.abs(steps / spacing - multiples) <= SAME_STEP
    slope, beside = _line(places, unit)
    least = max(LEAST_MM, SAME_STEP * spacing)
    return StackGeometry(
        steps_mm=tuple(float(step) for step in steps),
        spacing_mm=spacing,
        missing=tuple((int(at), int(multiples[at]) - 1) for at in np.flatnonzero(whole & (multiples > 1))),
        uneven=tuple(int(at) for at in np.flatnonzero(~whole)),
        tilt_degrees=float(np.degrees(np.arctan(slope))),
        shifted=tuple((int(at), float(beside[at])) for at in np.flatnonzero(beside > least)),
    )


def _line(places: NDArray[np.float64], unit: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return how steep the line through most of ``places`` is, and how far beside it each lies, in mm.

    It is a median of lines through two slices, half a stack apart, so that a few shifted slices do not move it.
    """
    along = places @ unit
    across = places - np.outer(along, unit)
    half = max(1, len(places) // 2)
    steps = (along[half:] - along[:-half])[:, None]
    slope = np.median((across[half:] - across[:-half]) / steps, axis=0)
    rest = across - np.outer(along, slope)
    beside: NDArray[np.float64] = np.linalg.norm(rest - np.median(rest, axis=0), axis=1)
    return float(np.linalg.norm(slope)), beside
