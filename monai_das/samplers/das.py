"""DASSampler, the default: slices are drawn with probabilities that are learned, and evenly spread where nothing is."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.das_parts import KNOWN, WIDTH, SliceEncoder, bounded, score_head, slice_tokens
from monai_das.samplers.design import slice_probabilities, starts, stratified, systematic, with_missing_rows
from monai_das.samplers.selection import (
    Selection,
    lowest,
    new_selection,
    one_hot_rows,
    real_slices,
    without_padding,
)
from monai_das.samplers.slice_context import SliceAttention


class DASSampler(Sampler):
    """Choose k distinct slices by a sampling design whose probabilities are learned.

    Each slice has a score, and is included with the probability ``pi = min(1, c * exp(score))``, where c makes the
    probabilities of a case sum to k (``samplers/design.py``). Equal scores give evenly spread slices, sure ones the k
    best. The last layer starts at zero, so an untrained sampler chooses as :class:`DASEvenSampler` does. Slices whose
    variance is below ``floor`` of the largest in the case are not eligible while k others are left: the choice cannot
    collapse onto empty slices.

    Multi-head attention over the slices of the case makes the scores, from a small encoding of each thumbnail, the
    paper's light features and the place of the slice. They are taught how much each slice moves the answer of a
    network that sees them all (``DASAttentionAggregation``, the default of ``DASSliceClassifier``), or which slices
    people marked (``DASReaderLoss``). A softmax of the scores that fits the shares of the slices has the temperature of
    the case in it: it is sharp where thumbnails tell which slices count, and flat where they do not.

    In ``train()`` each case sees all slices with the probability ``widening``, which a schedule moves
    (``DASBudgetSchedule``), and teaches the scores then; else it sees k slices, drawn by systematic sampling from a
    random start. So the classifier learns from few slices from the first epoch to the last. In ``eval()`` the choice is
    the best slice in each of k parts of equal probability.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.
        variance: ``"within"`` slices or ``"between"`` neighbouring ones (clips), see :class:`SliceFeatures`.
        grid: thumbnails of any size are first averaged to about so many pixels a side. Details smaller than two of
            these pixels cannot guide the choice. Costs grow with its square.
        num_heads: heads of the attention over slices.
        floor: share of the largest variance below which a slice counts as empty.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection`.

    Raises:
        ValueError: ``floor`` is not in (0, 1), ``grid`` is below 3, or ``num_heads`` does not divide 32.

    References:
        Shankaranarayana et al., *Deep Attention-guided Adaptive Subsampling*, 2025, arXiv 2510.12376;
        Madow, *On the theory of systematic sampling, II*, Annals of Mathematical Statistics, 1949.

    Example:
        >>> DASSampler(num_slices=4).eval()(torch.rand(1, 1, 64, 64, 32)).indices.tolist()
        [[4, 12, 20, 28]]
    """

    def __init__(
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        variance: str = "within",
        grid: int = 32,
        num_heads: int = 4,
        floor: float = 0.01,
    ) -> None:
        super().__init__(num_slices, fraction)
        self.taught = True
        self.floor: float = floor
        self.bound: float = 8.0
        self.encoder = SliceEncoder(variance, grid, floor)
        self.token = nn.Linear(KNOWN, WIDTH)
        self.attention = SliceAttention(WIDTH, num_heads)
        self.head = score_head(num_heads)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose slices by their probabilities."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        looks = self.encoder(thumbnails, real)
        tokens = self.attention(self.token(slice_tokens(looks)), looks.mask)
        scores = bounded(self.head(tokens), self.bound)
        rows, counts = self.final_budget(real, depth)
        if self.training and self.widening > 0.0:
            counts = torch.where(torch.rand(real.shape, device=real.device) < self.widening, real, counts)
            rows = max(rows, int(counts.max()))
        eligible = looks.mask & (looks.share >= self.floor)
        inclusion = slice_probabilities(scores, counts, eligible, looks.mask)
        start = starts(scores, self.training)
        if self.training:
            places = systematic(inclusion, rows, start)
        else:
            places = stratified(inclusion, scores.masked_fill(~eligible, lowest()), rows, start)
        indices, kept = with_missing_rows(places, counts, real)
        return new_selection(
            one_hot_rows(indices, kept, depth),
            indices,
            kept,
            without_padding(scores, real),
            inclusion=inclusion.to(dtype=torch.float32, device=scores.device),
        )
