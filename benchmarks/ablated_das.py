"""DASSampler with a part left out, or with another rule of choice or gradient, for the ablations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import torch
from torch import Tensor, nn

from monai_das.samplers import Sampler, Selection
from monai_das.samplers.base import check_choice, check_thumbnails
from monai_das.samplers.das_parts import KNOWN, WIDTH, SliceEncoder, bounded, score_head, slice_tokens
from monai_das.samplers.design import (
    slice_probabilities,
    starts,
    stratified,
    systematic,
    whole_cases,
    with_missing_rows,
)
from monai_das.samplers.gumbel import straight_through, top_k_soft_rows
from monai_das.samplers.selection import lowest, new_selection, one_hot_rows, real_slices, without_padding
from monai_das.samplers.slice_context import SliceAttention

# what a token knows of its slice
TOKEN = ["thumbnail"] * WIDTH + ["variance", "sobel", "laplacian", "place", "place"]
PARTS = ("context", *dict.fromkeys(TOKEN))
RULES = ("stratified", "systematic", "top")


class DASAblatedSampler(Sampler):
    """``DASSampler`` with its default settings, without some parts, or with others.

    Its weights are those of ``DASSampler``: what is left out stays in the state dict and has no effect.

    Args:
        num_slices, fraction: the budget, see ``Sampler``.
        without: what a token knows of its slice (``"thumbnail"``, ``"variance"``, ``"sobel"``, ``"laplacian"``,
            ``"place"``), or the attention over slices (``"context"``).
        rule: ``"stratified"`` as in ``DASSampler``, ``"systematic"``, or ``"top"``, the k highest scores.
        temperature: divides the scores before they become probabilities.
        prior: add the logarithm of the slice's share of the largest variance to its score.
        straight_through: learn through the sampling matrix, as DPS does, instead of being taught.
        lesson_share: see ``DASSampler``.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a ``Selection``.

    Raises:
        ValueError: a part or the rule is unknown, or ``temperature`` is not positive.

    Example:
        >>> DASAblatedSampler(num_slices=4, without=["place"]).eval()(torch.rand(2, 1, 64, 64, 32)).indices.shape
        torch.Size([2, 4])
    """

    def __init__(  # noqa: PLR0913 - each is an arm of the ablation
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        without: Sequence[str] = (),
        rule: str = "stratified",
        temperature: float = 1.0,
        prior: bool = False,
        straight_through: bool = False,
        lesson_share: float = 0.5,
    ) -> None:
        super().__init__(num_slices, fraction)
        for part in without:
            check_choice("a part of without", part, PARTS)
        check_choice("rule", rule, RULES)
        if temperature <= 0.0:
            raise ValueError(f"temperature must be above 0, got {temperature}")
        self.taught = not straight_through
        self.rule: str = rule
        self.temperature: float = temperature
        self.prior: bool = prior
        self.straight: bool = straight_through
        self.lesson_share: float = lesson_share
        self.with_context: bool = "context" not in without
        self.known: Tensor
        self.register_buffer("known", torch.tensor([float(part not in without) for part in TOKEN]), persistent=False)
        self.encoder = SliceEncoder()
        self.token = nn.Linear(KNOWN, WIDTH)
        self.attention = SliceAttention(WIDTH, 4)
        self.head = score_head(4)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose slices by the rule."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        looks = self.encoder(thumbnails, real)
        tokens = self.token(slice_tokens(looks) * self.known)
        if self.with_context:
            tokens = self.attention(tokens, looks.mask)
        scores = bounded(self.head(tokens), 8.0)
        if self.prior:
            scores = scores + looks.logs[:, 0]
        rows, counts = self.final_budget(real, depth)
        if self.training and self.widening > 0.0:
            counts = torch.where(whole_cases(self.lesson_share * self.widening, real), real, counts)
            rows = max(rows, int(counts.max()))
        eligible = looks.mask & (looks.share >= 0.01)
        # sure scores give the k highest, whatever the start
        heat = 1e-6 if self.rule == "top" else self.temperature
        inclusion = slice_probabilities(scores.double() / heat, counts, eligible, looks.mask)
        marks = scores.masked_fill(~eligible, lowest())
        start = starts(scores, self.training)
        by_rank = self.rule != "systematic"
        places = stratified(inclusion, marks, rows, start) if by_rank else systematic(inclusion, rows, start)
        indices, kept = with_missing_rows(places, counts, real)
        weights = one_hot_rows(indices, kept, depth)
        if self.training and self.straight:
            weights = straight_through(weights, top_k_soft_rows(marks, indices, real, 1.0) * kept[:, :, None])
        probability = inclusion.to(dtype=torch.float32, device=scores.device)
        return new_selection(weights, indices, kept, without_padding(scores, real), inclusion=probability)
