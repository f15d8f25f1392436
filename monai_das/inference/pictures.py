"""Pictures of a case for people: the chosen slices upright, and the volume from the side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_das.inference.case_result import CasePictures


def case_pictures(
    volume: Tensor, shown: Sequence[int], order: Sequence[int], affine: Tensor, has_anatomy: bool
) -> CasePictures:
    """Return the pictures of ``volume`` ``(C, H, W, D)``.

    With anatomy, slices are turned as radiologists hang them: the patient's right (or front) on the left, the head (or
    front) on top. Without it the first axis runs to the right and the second one down, as in clips.

    Args:
        volume: what the network saw; 3 channels are taken as RGB, otherwise the mean of the channels is shown.
        shown: places along D of the chosen slices.
        order: places along D of all slices in the source's own order.
        affine: ``(4, 4)`` of ``volume``, to mm in RAS; without anatomy only its voxel sizes count.
        has_anatomy: whether the affine's directions mean anything.
    """
    shades = volume.float() if volume.size(0) == 3 else volume.float().mean(dim=0, keepdim=True)
    shades, ratio = _upright(shades, affine[:3, :2].double(), has_anatomy)
    low, high = float(shades.min()), float(shades.max())
    scale = 255.0 / (high - low) if high > low else 0.0
    side_view = (shades.mean(dim=0).amax(dim=1)[:, list(order)] - low) * scale
    return CasePictures(
        _display(shades, shown, low, scale), _bytes(side_view), ratio, partial(_display, shades, order, low, scale)
    )


def _display(shades: Tensor, places: Sequence[int], low: float, scale: float) -> NDArray[np.uint8]:
    """Return the slices ``places`` of ``shades`` ``(C, rows, columns, D)`` as ``(n, rows, columns)``, or RGB last."""
    slices = ((shades[..., list(places)] - low) * scale).permute(3, 1, 2, 0)
    return _bytes(slices if slices.size(3) == 3 else slices[..., 0])


def _upright(image: Tensor, plane: Tensor, has_anatomy: bool) -> tuple[Tensor, float]:
    """Return ``(C, rows, columns, D)`` of ``image`` ``(C, H, W, D)``, and the height of a pixel by its width.

    ``plane`` ``(3, 2)`` holds the steps along H and W in RAS mm.
    """
    directions = plane.abs().argmax(dim=0).tolist()
    # lines of pixels run along the earlier one of R, A and S
    across, down = (1, 0) if has_anatomy and directions[0] > directions[1] else (0, 1)
    lines = image.transpose(1, 2) if across == 0 else image
    against = [dim for dim, axis in ((1, down), (2, across)) if has_anatomy and plane[directions[axis], axis] > 0]
    spacing = plane.norm(dim=0)
    return torch.flip(lines, against), float(spacing[down] / spacing[across])


def _bytes(values: Tensor) -> NDArray[np.uint8]:
    array: NDArray[np.uint8] = values.round().clamp(0, 255).to(torch.uint8).contiguous().numpy()
    return array
