"""DASEvenSampler: evenly spread over the slices that are not empty, without learning."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.design import inclusion_probabilities, starts, systematic, with_missing_rows
from monai_das.samplers.features import on_grid, within_variance
from monai_das.samplers.selection import (
    Selection,
    lowest,
    new_selection,
    one_hot_rows,
    real_slices,
    slice_mask,
    without_padding,
)


def eligible_slices(variance: Tensor, lengths: Tensor, floor: float) -> Tensor:
    """Return ``(B, D)`` bool: the real slices with at least ``floor`` of the largest ``variance`` ``(B, D)`` of a case.

    In a case without any variance all real slices are eligible.
    """
    real = slice_mask(lengths, variance.size(1))
    largest = (variance * real).amax(dim=1, keepdim=True)
    return real & (variance >= floor * largest)


class DASEvenSampler(Sampler):
    """Keep slices that are evenly spread over those that are not empty: what a learned choice has to beat.

    In ``eval()`` row j of k takes the slice ``floor((j + 0.5) * n / k)`` of the n slices that are not empty; a case
    with no empty slice gets those of :class:`DASUniformSampler`. In ``train()`` the row starts at random: every slice
    that is not empty is taken with the same probability. Where fewer than k slices are not empty, all of them are
    taken, and empty ones evenly spread.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.
        floor: share of the case's largest variance below which a slice counts as empty, in (0, 1).
        random_start: whether the row starts at random in ``train()``.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection` whose
          inclusion probabilities are those of the design, and whose scores are 1 for slices that are not empty.

    Raises:
        ValueError: ``floor`` is not in (0, 1).

    Example:
        >>> volume = torch.zeros(1, 1, 8, 8, 12)
        >>> volume[..., 4:10] = torch.rand(8, 8, 6)
        >>> DASEvenSampler(num_slices=3).eval()(volume).indices.tolist()
        [[5, 7, 9]]
    """

    def __init__(
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        floor: float = 0.01,
        random_start: bool = True,
    ) -> None:
        super().__init__(num_slices, fraction)
        if not 0.0 < floor < 1.0:
            raise ValueError(f"floor must be in (0, 1), got {floor}")
        self.floor: float = floor
        self.random_start: bool = random_start

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose evenly spread slices."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        rows, counts = self.budget(real, depth)
        eligible = eligible_slices(within_variance(on_grid(thumbnails.float())), real, self.floor)
        flat = eligible.float()
        marks = flat.masked_fill(~eligible, lowest())
        inclusion = inclusion_probabilities(marks, counts, slice_mask(real, depth))
        start = starts(flat, self.training and self.random_start)
        indices, kept = with_missing_rows(systematic(inclusion, rows, start), counts, real)
        weights = one_hot_rows(indices, kept, depth)
        probability = inclusion.to(dtype=torch.float32, device=flat.device)
        return new_selection(weights, indices, kept, without_padding(flat, real), inclusion=probability)
