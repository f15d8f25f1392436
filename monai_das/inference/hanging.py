"""How a slice hangs on the wall: upright, with the letters of the patient's directions at its edges."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

OPPOSITE = dict(zip("RAS", "LPI", strict=True))
OPPOSITE |= {value: key for key, value in OPPOSITE.items()}
# a direction has a second letter from about 17 degrees on
SECOND_LETTER = 0.3


@dataclass(frozen=True)
class Hanging:
    """Turns slices ``(C, columns, rows, ...)`` as radiologists hang them, from their affine.

    The patient's right (or front) is on the left, the head (or front) on top. Without anatomy the first axis runs to
    the right and the second one down.

    Attributes:
        first_down: whether the first axis runs down.
        flips: of the turned axes (1: down, 2: to the right), those that run the other way.
        pixel_aspect: height of a pixel divided by its width.
        letters: where the left, right, upper and lower edge lie, such as ``("R", "L", "A", "P")``; two letters where
            a direction is oblique, the nearer one first; empty without anatomy.
    """

    first_down: bool
    flips: tuple[int, ...]
    pixel_aspect: float
    letters: tuple[str, ...]

    @classmethod
    def of(cls, affine: NDArray[np.float64] | None, pixel_aspect: float = 1.0) -> Hanging:
        """Return how slices with ``affine`` ``(4, 4)`` to mm in RAS hang, or those of ``pixel_aspect`` without one."""
        if affine is None:
            return cls(False, (), pixel_aspect, ())
        world, signs = nibabel.io_orientation(affine)[:2].T  # type: ignore[no-untyped-call]
        # lines of pixels run along the earlier one of R, A and S
        first_down = bool(world[0] > world[1])
        across, down = (1, 0) if first_down else (0, 1)
        spacing = np.linalg.norm(affine[:3, :2], axis=0)
        names = [_letters(affine[:3, axis] / spacing[axis], int(world[axis])) for axis in (across, down)]
        flips = tuple(dim for dim, axis in ((1, down), (2, across)) if signs[axis] > 0)
        ends = [
            (_opposite(name), name) if dim not in flips else (name, _opposite(name))
            for name, dim in zip(names, (2, 1), strict=True)
        ]
        return cls(first_down, flips, float(spacing[down] / spacing[across]), (*ends[0], *ends[1]))

    def __call__(self, image: Tensor) -> Tensor:
        """Return ``image`` ``(C, columns, rows, ...)`` as ``(C, lines, pixels, ...)``, upright."""
        return torch.flip(image if self.first_down else image.transpose(1, 2), self.flips)


def _letters(direction: NDArray[np.float64], main: int) -> str:
    """Return the letters of a unit vector in RAS whose ``main`` axis is known."""
    order = [main, *sorted({0, 1, 2} - {main}, key=lambda axis: -abs(direction[axis]))]
    parts = ["RAS"[axis] if direction[axis] > 0 else OPPOSITE["RAS"[axis]] for axis in order[:2]]
    return "".join(parts if abs(direction[order[1]]) >= SECOND_LETTER else parts[:1])


def _opposite(letters: str) -> str:
    return "".join(OPPOSITE[letter] for letter in letters)
