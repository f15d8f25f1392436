"""The hard needle's volumes: two pieces of evidence that must both be seen, and two kinds of distractor."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.sets.needle import DEPTH, SIZE, ring_and_cross

BOXES = 10
DECOYS = 4
BOX_CONTRAST = 8.0
EVIDENCE_CONTRAST = 7.0


class DASEvidenceSet(NamedTuple):
    """Volumes ``(N, 1, H, W, D)`` float32, labels ``(N,)`` int64, slices with evidence ``(N, D)`` bool."""

    images: Tensor
    labels: Tensor
    evidence: Tensor


def saltire() -> Tensor:
    """Return the decoy, ``(7, 7)`` of zeros and ones: two diagonals, as many pixels as the cross."""
    return torch.maximum(torch.eye(7), torch.eye(7).flip(1))


def hard_needle_set(
    num: int, seed: int, contrast: float = EVIDENCE_CONTRAST, depth: int = DEPTH, *, rician: bool = False
) -> DASEvidenceSet:
    """Return ``num`` volumes of standard normal noise with evidence, boxes and decoys, each in slices of its own.

    Class 1 has a 7 x 7 ring in one slice and a 7 x 7 cross in another, class 0 only one of the two (either, at even
    odds). No single slice tells the class (AUC 0.5), and looking for one shape alone reaches 0.75: both must be seen.
    Two kinds of distractor are the same in both classes: 10 slices with a 9 x 9 box of 8 standard deviations of the
    noise, where the variance is highest; and 4 slices with a saltire as faint as the evidence, and as large as the
    cross, so that "something faint" is not enough either.

    Args:
        num: how many volumes.
        seed: equal seeds give equal volumes.
        contrast: of evidence and decoys, in standard deviations of the noise.
        depth: slices of a volume, at least 16.
        rician: the noise of MR: the magnitude of these volumes and of a second, normal, channel.
    """
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(num, depth, SIZE, SIZE, generator=generator)
    labels = torch.randint(0, 2, (num,), generator=generator)
    single = torch.randint(0, 2, (num,), generator=generator)
    evidence = torch.zeros(num, depth, dtype=torch.bool)
    shapes = [*ring_and_cross(), saltire(), torch.ones(9, 9)]
    for case in range(num):
        kinds = [0, 1] if labels[case] == 1 else [int(single[case])]
        placed = kinds + [2] * DECOYS + [3] * BOXES
        slices = torch.randperm(depth, generator=generator)[: len(placed)].tolist()
        corners = torch.randint(0, SIZE - 8, (len(placed), 2), generator=generator).tolist()
        evidence[case, slices[: len(kinds)]] = True
        for kind, place, (row, column) in zip(placed, slices, corners, strict=True):
            shape = shapes[kind] * (BOX_CONTRAST if kind == 3 else contrast)
            images[case, place, row : row + len(shape), column : column + len(shape)] += shape
    if rician:
        images = torch.hypot(images, torch.randn(images.shape, generator=generator))
    return DASEvidenceSet(images.permute(0, 2, 3, 1)[:, None].contiguous(), labels, evidence)
