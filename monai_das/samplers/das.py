"""DASSampler, the default: learned inclusion probabilities, evenly spread slices where nothing is known."""

from __future__ import annotations

from typing import Any, Optional

import torch
from torch import Tensor, nn

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.das_parts import KNOWN, WIDTH, SliceEncoder, bounded, score_head, slice_tokens
from monai_das.samplers.design import inclusion_probabilities, starts, stratified, systematic, with_missing_rows
from monai_das.samplers.selection import (
    Selection,
    lowest,
    new_selection,
    one_hot_rows,
    real_slices,
)
from monai_das.samplers.slice_context import SliceAttention


class DASSampler(Sampler):
    """Choose k distinct slices by a sampling design whose probabilities are learned.

    Each slice has a score, and the inclusion probability ``pi = min(1, c * exp(score))``, where c makes the
    probabilities of a case sum to k (``samplers/design.py``). In ``train()`` slices are drawn with these probabilities,
    by systematic sampling from a random start. In ``eval()`` the choice is the best slice in each of k consecutive
    parts of equal probability. Equal scores give evenly spread slices, sure ones the k best. The last layer starts at
    zero, so an untrained sampler chooses as :class:`DASEvenSampler` does. Slices whose variance is below ``floor`` of
    the largest in the case are not eligible while k others are left: the choice cannot collapse onto empty slices.

    Multi-head attention over the slices of the case makes the scores, from a small encoding of each thumbnail, the
    paper's light features and the place of the slice. They are taught which share each slice has in the answer of the
    network that sees them all (``DASDesignAggregation``, the default of ``DASSliceClassifier``), or which slices people
    marked (``DASReaderLoss``). In every step of the training the network sees all slices, and learns to answer from the
    chosen ones as it does from all. A schedule (``DASBudgetSchedule``) may begin with more than k of them, see
    ``configs/method/das.json``. The softmax of the scores that fits the shares has the temperature of the case in it:
    sharp where thumbnails tell which slices count, and flat where they do not.

    :class:`DASGateSampler` needs no teacher.

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
        RuntimeError: weights of its first edition (before 2026-12) are loaded.

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

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        if f"{prefix}heat.weight" in state_dict:
            args[-1].append(
                "the weights are of the first edition of DASSampler (before 2026-12), whose scores corrected "
                "the variance; train again, or predict with the monai-das that they came with"
            )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose slices by their inclusion probabilities."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        looks = self.encoder(thumbnails, real)
        tokens = self.attention(self.token(slice_tokens(looks)), None if lengths is None else looks.mask)
        scores = bounded(self.head(tokens), self.bound)
        rows, counts = self.budget(real, depth)
        marks = scores.masked_fill(~(looks.mask & (looks.share >= self.floor)), lowest())
        inclusion = inclusion_probabilities(marks, counts, looks.mask)
        if self.training:
            places = systematic(inclusion, rows, starts(scores, True))
        else:
            places = stratified(inclusion, marks, counts, rows)
        indices, kept = with_missing_rows(places, counts, real)
        return new_selection(
            one_hot_rows(indices, kept, depth),
            indices,
            kept,
            scores.masked_fill(~looks.mask, lowest()),
            inclusion=inclusion.to(dtype=torch.float32, device=scores.device),
        )
