"""Pictures of a case: the selected slices upright, and the volume from the side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_das.inference.case_result import CasePictures

LONGEST_SIDE = 640
CHUNK = 16

Load = Callable[[Sequence[int]], Tensor]


def case_pictures(
    load: Load, overview: Tensor, slices: Tensor, order: Sequence[int], affine: Tensor, has_anatomy: bool
) -> CasePictures:
    """Return the pictures of a case as the network saw it.

    With anatomy, slices are turned as radiologists hang them: the patient's right (or front) on the left, the head (or
    front) on top. Without it the first axis runs to the right and the second one down, as in clips. Black and white
    are the lowest and highest value of ``overview`` and ``slices``.

    Args:
        load: gives the slices ``(C, H, W, n)`` of some places; used only when all slices are asked for, and then for
            few at a time, which are kept as bytes, at most 640 pixels a side.
        overview: all slices small, ``(C, h, w, D)``, by place; 3 channels are taken as RGB, otherwise the mean of the
            channels is shown.
        slices: the selected ones ``(C, H, W, n)``, in the order of the source.
        order: places of all slices in the source's own order.
        affine: ``(4, 4)`` of ``slices``, to mm in RAS; without anatomy only its voxel sizes count.
        has_anatomy: whether the affine's directions mean anything.
    """
    view = _Upright(affine[:3, :2].double(), has_anatomy)
    small, large = view(_shades(overview)), view(_shades(slices))
    low = min(float(small.min()), float(large.min()))
    high = max(float(small.max()), float(large.max()))
    scale = 255.0 / (high - low) if high > low else 0.0
    side_view = (small.mean(dim=0).amax(dim=1)[:, list(order)] - low) * scale

    def stack() -> NDArray[np.uint8]:
        parts = [list(order[start : start + CHUNK]) for start in range(0, len(order), CHUNK)]
        return np.concatenate([_display(_reduced(view(_shades(_in_order(load, part)))), low, scale) for part in parts])

    return CasePictures(_display(large, low, scale), _bytes(side_view), view.pixel_aspect, stack)


class _Upright:
    """Turns ``(C, H, W, n)`` to ``(C, rows, columns, n)``; ``plane`` ``(3, 2)`` holds the steps along H and W in mm."""

    def __init__(self, plane: Tensor, has_anatomy: bool) -> None:
        directions = plane.abs().argmax(dim=0).tolist()
        # lines of pixels run along the earlier one of R, A and S
        across, down = (1, 0) if has_anatomy and directions[0] > directions[1] else (0, 1)
        spacing = plane.norm(dim=0)
        self.transposes = across == 0
        self.flips = [
            dim for dim, axis in ((1, down), (2, across)) if has_anatomy and plane[directions[axis], axis] > 0
        ]
        self.pixel_aspect = float(spacing[down] / spacing[across])

    def __call__(self, image: Tensor) -> Tensor:
        return torch.flip(image.transpose(1, 2) if self.transposes else image, self.flips)


def _in_order(load: Load, places: list[int]) -> Tensor:
    """Return the slices of ``places`` in this order; a loader takes them ascending."""
    ascending = sorted(places)
    return load(ascending)[..., [ascending.index(place) for place in places]]


def _shades(image: Tensor) -> Tensor:
    """Return what is shown of ``image`` ``(C, H, W, n)``: RGB as it is, else the mean of the channels."""
    return image.float() if image.size(0) == 3 else image.float().mean(dim=0, keepdim=True)


def _reduced(image: Tensor) -> Tensor:
    """Return ``image`` ``(C, rows, columns, n)`` at no more than 640 pixels a side."""
    shrink = LONGEST_SIDE / max(image.shape[1:3])
    if shrink >= 1:
        return image
    size = [max(1, round(side * shrink)) for side in image.shape[1:3]]
    smaller = torch.nn.functional.interpolate(image.permute(3, 0, 1, 2), size=size, mode="area")
    return smaller.permute(1, 2, 3, 0)


def _display(shades: Tensor, low: float, scale: float) -> NDArray[np.uint8]:
    """Return ``shades`` ``(C, rows, columns, n)`` as ``(n, rows, columns)``, or RGB last."""
    slices = ((shades - low) * scale).permute(3, 1, 2, 0)
    return _bytes(slices if slices.size(3) == 3 else slices[..., 0])


def _bytes(values: Tensor) -> NDArray[np.uint8]:
    array: NDArray[np.uint8] = values.round().clamp(0, 255).to(torch.uint8).contiguous().numpy()
    return array
