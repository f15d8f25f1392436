"""Samplers that learn nothing: full, uniform, random, centre and top-variance."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.features import between_variance, on_grid, within_variance
from monai_das.samplers.gumbel import gumbel_noise, seeded_order
from monai_das.samplers.selection import (
    Selection,
    new_selection,
    one_hot_rows,
    real_slices,
    slice_mask,
    without_padding,
)


def selection_of(places: Tensor, counts: Tensor, lengths: Tensor, depth: int) -> Selection:
    """Return the selection of ``places`` ``(B, k)``, ascending, of which each case keeps the first ``counts`` ``(B,)``.

    Scores are 1 for the chosen slices and 0 for the others.
    """
    kept = slice_mask(counts, places.size(1))
    indices = torch.where(kept, places, lengths[:, None] - 1)
    weights = one_hot_rows(indices, kept, depth)
    return new_selection(weights, indices, kept, without_padding(weights.sum(dim=1), lengths))


class DASFullSampler(Sampler):
    """Keep every real slice: ``k = D``, the full sequence as one more method to compare.

    Args:
        num_slices, fraction: accepted, so that a config can swap samplers by one line, and not used.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection` with k = D.

    Example:
        >>> DASFullSampler()(torch.rand(2, 1, 8, 8, 5)).indices.tolist()
        [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4]]
    """

    def __init__(self, num_slices: int | None = None, fraction: float | None = None) -> None:
        super().__init__(fraction=1.0)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose all slices."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        places = torch.arange(depth, device=real.device)[None, :].expand(real.size(0), -1)
        return selection_of(places, real, real, depth)


class DASUniformSampler(Sampler):
    """Keep evenly spaced slices: slice ``floor((j + 0.5) * L / k)`` for row j of k, of a case with L real slices.

    The rule takes the middle of k equal parts; it never repeats a slice, and it keeps all where ``L <= k``.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection`.

    Example:
        >>> DASUniformSampler(num_slices=3)(torch.rand(1, 1, 8, 8, 12)).indices.tolist()
        [[2, 6, 10]]
    """

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose the middle slice of each of k equal parts."""
        check_thumbnails(thumbnails)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        rows, counts = self.budget(real, thumbnails.size(4))
        twice = 2 * torch.arange(rows, device=real.device)[None, :] + 1
        return selection_of(twice * real[:, None] // (2 * counts[:, None]), counts, real, thumbnails.size(4))


class DASCentreSampler(Sampler):
    """Keep the k middle slices: ``floor((L - k) / 2)`` and the next ones, of a case with L real slices.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection`.

    Example:
        >>> DASCentreSampler(num_slices=4)(torch.rand(1, 1, 8, 8, 12)).indices.tolist()
        [[4, 5, 6, 7]]
    """

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose the middle slices."""
        check_thumbnails(thumbnails)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        rows, counts = self.budget(real, thumbnails.size(4))
        places = (real - counts)[:, None] // 2 + torch.arange(rows, device=real.device)[None, :]
        return selection_of(places, counts, real, thumbnails.size(4))


class DASRandomSampler(Sampler):
    """Keep k distinct slices at random, each subset with the same probability.

    In ``train()`` every case of every step gets a fresh draw from torch's global generator. In ``eval()`` the draw is
    made once, at construction, from a generator of its own with ``seed``: a fixed random order of slice numbers, of
    which each case keeps its first k. Two runs, devices and exported models therefore agree. Cases of one length share
    their slices, so a benchmark averages over seeds. The state dict does not hold the order, because the seed
    determines it.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.
        seed: of the draw in ``eval()``.

    Attributes:
        order: buffer ``(4096,)``, a permutation. Slice d has the key ``(order[d % 4096] + order[d // 4096]) % 4096``,
            ties to the earlier block, so that depth has no bound in practice (16 million slices).

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection`.

    Example:
        >>> sampler = DASRandomSampler(num_slices=3, seed=1).eval()
        >>> sampler(torch.rand(1, 1, 8, 8, 12)).indices.shape
        torch.Size([1, 3])
    """

    def __init__(self, num_slices: int | None = None, fraction: float | None = None, *, seed: int = 0) -> None:
        super().__init__(num_slices, fraction)
        self.order: Tensor
        self.register_buffer("order", seeded_order(4096, seed), persistent=False)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose slices at random; a case's scores are the random keys."""
        check_thumbnails(thumbnails)
        across = thumbnails[:, 0, 0, 0]
        keys = gumbel_noise(across) if self.training else self.fixed_keys(across)
        return self.top(keys, keys, lengths)

    def fixed_keys(self, like: Tensor) -> Tensor:
        """Return keys in [0, 1) ``(B, D)``, the same for every case."""
        size = self.order.size(0)
        numbers = torch.arange(like.size(1), device=like.device)
        block = numbers // size
        ranks = (self.order[numbers % size] + self.order[block]) % size
        keys = (ranks * size + (size - 1 - block)).float() / float(size * size)
        return keys[None, :].expand(like.size(0), -1)


class DASTopVarianceSampler(Sampler):
    """Keep the k slices of the highest variance, without learning: the control that a learned sampler has to beat.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.
        variance: ``"within"`` a slice over its pixels, or ``"between"`` a slice and its neighbours (clips), see
            :class:`SliceFeatures`.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection` whose scores
          are the variances on the grid of :func:`on_grid`, in squared units of the input intensity.

    Raises:
        ValueError: ``variance`` is neither of the two.

    Example:
        >>> volume = torch.zeros(1, 1, 8, 8, 6)
        >>> volume[0, 0, 0, 0, 4] = 1.0
        >>> DASTopVarianceSampler(num_slices=1)(volume).indices.tolist()
        [[4]]
    """

    def __init__(
        self, num_slices: int | None = None, fraction: float | None = None, *, variance: str = "within"
    ) -> None:
        super().__init__(num_slices, fraction)
        if variance not in ("within", "between"):
            raise ValueError(f"variance must be 'within' or 'between', got {variance!r}")
        self.between: bool = variance == "between"

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose the slices of the highest variance."""
        check_thumbnails(thumbnails)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        small = on_grid(thumbnails.float())
        scores = between_variance(small, real) if self.between else within_variance(small)
        return self.top(scores, scores, lengths)
