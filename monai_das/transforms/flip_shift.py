"""Flips and shifts of a whole batch by whole voxels, on the device of the batch."""

from __future__ import annotations

import torch
from torch import Tensor


class DASRandFlipShift:
    """Flip each case along each axis by chance, and shift it by up to so many whole voxels.

    For batches, on their device: no voxel is interpolated and nothing is copied to the CPU. What comes in at the border
    is the smallest value of the case. With ``lengths``, padding stays where it is. Draws are from torch's global
    generator on the CPU, so that a seed means the same on every device.

    Args:
        flip_prob: chance of a flip along each axis, in [0, 1].
        shift: largest shift along each axis, in voxels, at least 0.
        clips: the cases are clips: none is turned upside down or moved along its frames.

    Shape:
        - ``images``: ``(B, C, H, W, D)``; ``lengths``: ``(B,)`` real slices, or None.
        - returns ``(B, C, H, W, D)``.

    Raises:
        ValueError: ``flip_prob`` or ``shift`` is out of range.

    Example:
        >>> DASRandFlipShift(flip_prob=0.5, shift=2)(torch.rand(2, 1, 8, 8, 5)).shape
        torch.Size([2, 1, 8, 8, 5])
    """

    def __init__(self, flip_prob: float = 0.5, shift: int = 0, clips: bool = False) -> None:
        if not 0.0 <= flip_prob <= 1.0 or shift < 0:
            raise ValueError(f"flip_prob must be in [0, 1] and shift at least 0, got {flip_prob=} and {shift=}")
        self.flip_prob = flip_prob
        self.shift = shift
        self.clips = clips

    def __call__(self, images: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the batch, every case with draws of its own."""
        flips = torch.rand(len(images), 3) < self.flip_prob
        shifts = torch.randint(-self.shift, self.shift + 1, (len(images), 3))
        if self.clips:
            flips[:, 1] = False
            shifts[:, 2] = 0
        result = images.clone()
        for case, image in enumerate(images):
            axes = [axis + 1 for axis in range(3) if flips[case, axis]]
            real = image if lengths is None else image[..., : int(lengths[case])]
            result[case, ..., : real.size(3)] = shifted(real.flip(axes) if axes else real, shifts[case].tolist())
        return result


def shifted(image: Tensor, by: list[int]) -> Tensor:
    """Return ``image`` ``(C, H, W, D)`` moved by whole voxels."""
    if not any(by):
        return image
    moved = torch.full_like(image, float(image.min()))
    # no further than the image reaches: a shift may be larger than a short axis
    steps = [max(-size, min(step, size)) for step, size in zip(by, image.shape[1:], strict=True)]
    into = [slice(max(0, step), size + min(0, step)) for step, size in zip(steps, image.shape[1:], strict=True)]
    out_of = [slice(max(0, -step), size + min(0, -step)) for step, size in zip(steps, image.shape[1:], strict=True)]
    moved[(slice(None), *into)] = image[(slice(None), *out_of)]
    return moved
