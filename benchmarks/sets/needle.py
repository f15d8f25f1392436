"""The needle test's volumes: evidence in one slice of 32, and ten louder slices that mean nothing."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

SIZE = 28
DEPTH = 32
DISTRACTORS = 10
NEEDLE_CONTRAST = 5.0
DISTRACTOR_CONTRAST = 8.0


class NeedleSet(NamedTuple):
    """Volumes ``(N, 1, 28, 28, 32)`` float32, labels ``(N,)`` (0 ring, 1 cross), the needle's slice ``(N,)``."""

    images: Tensor
    labels: Tensor
    needles: Tensor


def ring_and_cross() -> Tensor:
    """Return the two shapes, ``(2, 7, 7)`` of zeros and ones: the border of a square, and a plus."""
    shapes = torch.zeros(2, 7, 7)
    shapes[0, [0, -1], :] = 1.0
    shapes[0, :, [0, -1]] = 1.0
    shapes[1, 3, :] = 1.0
    shapes[1, :, 3] = 1.0
    return shapes


def needle_set(num: int, seed: int) -> NeedleSet:
    """Return ``num`` volumes of standard normal noise with one needle and ten distractors each.

    The needle is a 7 x 7 ring (class 0) or cross (class 1) of 5 standard deviations of the noise, at a random place in
    one random slice. In 10 other slices lies a 9 x 9 box of 8 standard deviations, the same in both classes: there the
    variance is highest.
    """
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(num, DEPTH, SIZE, SIZE, generator=generator)
    labels = torch.randint(0, 2, (num,), generator=generator)
    shapes = NEEDLE_CONTRAST * ring_and_cross()
    needles = torch.empty(num, dtype=torch.int64)
    for case in range(num):
        slices = torch.randperm(DEPTH, generator=generator)[: DISTRACTORS + 1].tolist()
        corners = torch.randint(0, SIZE - 8, (DISTRACTORS + 1, 2), generator=generator).tolist()
        needles[case] = slices[0]
        row, column = corners[0]
        images[case, slices[0], row : row + 7, column : column + 7] += shapes[labels[case]]
        for distractor in range(1, DISTRACTORS + 1):
            row, column = corners[distractor]
            images[case, slices[distractor], row : row + 9, column : column + 9] += DISTRACTOR_CONTRAST
    return NeedleSet(images.permute(0, 2, 3, 1)[:, None].contiguous(), labels, needles)
