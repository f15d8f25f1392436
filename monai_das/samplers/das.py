"""DASSampler, the default: handcrafted scores with a learned, bounded residual."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.das_parts import (
    KNOWN,
    WIDTH,
    SliceEncoder,
    bounded,
    case_temperature,
    eligible_first,
    mean_square,
    score_head,
    slice_tokens,
    zero_linear,
)
from monai_das.samplers.gumbel import gumbel_noise
from monai_das.samplers.selection import (
    Selection,
    new_selection,
    one_hot_rows,
    real_slices,
    select_top,
    without_padding,
)
from monai_das.samplers.slice_context import SliceAttention


class DASSampler(Sampler):
    """Choose k distinct slices by handcrafted scores and a learned, bounded residual.

    ``scores = (prior + bound * tanh(residual / bound)) / temperature``, where ``prior = log(variance / largest
    variance + floor)``. Multi-head attention over the slices computes the residual from the paper's light features, a
    small encoding of each thumbnail and the place of the slice. The last layer starts at zero: an untrained sampler
    chooses as :class:`DASTopVarianceSampler` does. A slice whose variance is below ``floor`` of the largest is chosen
    only when fewer than k others are left, and then by its variance, whatever the residual is. The choice therefore
    cannot collapse onto empty slices.

    It keeps the light features, the heads, the adaptive temperature, the Gumbel noise and the sampling matrix of the
    paper. It changes the rest: slices are distinct, attention can reorder them, features are learned beside the
    handcrafted ones, and no gradient comes through pixels. While training widens the budget (``Sampler.widening``),
    attention that sees the backbone's features of all slices teaches the scores: ``DASAttentionAggregation``, the
    default of ``DASSliceClassifier``. Without a schedule that widens the budget they learn nothing.
    :class:`DASGateSampler` needs no teacher.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.
        max_slices: in training, draw the budget log-uniformly from ``[num_slices, max_slices]`` in every step, so that
            one trained model works with any of these budgets.
        variance: ``"within"`` slices or ``"between"`` neighbouring ones (clips), see :class:`SliceFeatures`.
        grid: thumbnails of any size are first averaged to about so many pixels a side. Details smaller than two of
            these pixels cannot guide the choice. Costs grow with its square.
        num_heads: heads of the attention over slices.
        bound: largest absolute residual; 4 lets a slice overtake one of 55 times its variance, and be overtaken.
        floor: share of the largest variance below which a slice counts as empty.
        noise: scale of the Gumbel noise on the scores in ``train()``; 0 is none.
        temperature: the paper's tau_0; the adaptive temperature is ``tau_0 * (0.5 + sigmoid(...))`` per case.
        residual_penalty: weight of the mean squared residual in ``Selection.penalty``.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection`.

    Raises:
        ValueError: ``max_slices`` is below ``num_slices``, or given with ``fraction``; ``bound`` or ``temperature`` is
            not positive, ``floor`` not in (0, 1), ``grid`` below 3, or ``num_heads`` does not divide 32.

    References:
        Shankaranarayana et al., *Deep Attention-guided Adaptive Subsampling*, 2025, arXiv 2510.12376;
        Kool et al., *Stochastic Beams and Where to Find Them*, ICML 2019 (Gumbel top-k).

    Example:
        >>> DASSampler(num_slices=4).eval()(torch.rand(2, 1, 64, 64, 32)).indices.shape
        torch.Size([2, 4])
    """

    def __init__(  # noqa: PLR0913 - every choice that the paper leaves open is an argument
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        max_slices: int | None = None,
        variance: str = "within",
        grid: int = 32,
        num_heads: int = 4,
        bound: float = 4.0,
        floor: float = 0.01,
        noise: float = 0.0,
        temperature: float = 1.0,
        residual_penalty: float = 0.001,
    ) -> None:
        super().__init__(num_slices, fraction)
        if max_slices is not None and not 0 < self.num_slices <= max_slices:
            raise ValueError(f"max_slices must be num_slices or more, got {num_slices=} and {max_slices=}")
        if bound <= 0.0 or temperature <= 0.0:
            raise ValueError(f"bound and temperature must be above 0, got {bound=} and {temperature=}")
        self.taught = True
        self.max_slices: int = max_slices or 0
        self.bound: float = bound
        self.floor: float = floor
        self.noise: float = noise
        self.temperature: float = temperature
        self.residual_penalty: float = residual_penalty
        self.encoder = SliceEncoder(variance, grid, floor)
        self.token = nn.Linear(KNOWN, WIDTH)
        self.attention = SliceAttention(WIDTH, num_heads)
        self.head = score_head(num_heads)
        self.heat = zero_linear(3, 1)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose slices: the highest scores, in ``train()`` with Gumbel noise."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        looks = self.encoder(thumbnails, real)
        tokens = self.attention(self.token(slice_tokens(looks)), looks.mask)
        residual = bounded(self.head(tokens), self.bound)
        scores = (looks.logs[:, 0] + residual) / case_temperature(self.heat(looks.mean_logs), self.temperature)
        keys = scores
        if self.training and self.noise > 0.0:
            keys = scores + self.noise * gumbel_noise(scores)
        rows, counts = self.budget(real, depth)
        if self.training and self.max_slices > 0:
            rows, counts = self.random_budget(rows, counts, real)
        indices, kept = select_top(eligible_first(keys, looks.share, self.floor), counts, rows, real)
        penalty = self.residual_penalty * mean_square(residual, looks)
        weights = one_hot_rows(indices, kept, depth)
        return new_selection(weights, indices, kept, without_padding(scores, real), penalty=penalty)

    def random_budget(self, rows: int, counts: Tensor, lengths: Tensor) -> tuple[int, Tensor]:
        """Return a budget drawn log-uniformly between the present one and ``max_slices``, the same for the batch."""
        ratio = max(1.0, self.max_slices / self.num_slices)
        drawn = int(self.num_slices * ratio ** float(torch.rand(1)) + 0.5)
        rows = max(rows, drawn)
        return rows, torch.minimum(torch.maximum(counts, torch.full_like(counts, drawn)), lengths)
