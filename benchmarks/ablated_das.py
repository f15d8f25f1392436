"""DASSampler with a part left out, or with another gradient, for the ablations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import torch
from torch import Tensor, nn

from monai_das.samplers import Sampler, Selection
from monai_das.samplers.base import check_choice, check_thumbnails
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
from monai_das.samplers.gumbel import straight_through, top_k_soft_rows
from monai_das.samplers.selection import new_selection, one_hot_rows, real_slices, select_top, without_padding
from monai_das.samplers.slice_context import SliceAttention

# what a token knows of its slice
TOKEN = ["thumbnail"] * WIDTH + ["variance", "sobel", "laplacian", "place", "place"]
PARTS = ("prior", "context", "heat", *dict.fromkeys(TOKEN))


class DASAblatedSampler(Sampler):
    """``DASSampler`` with its default settings, without some parts.

    Its weights are those of ``DASSampler``: what is left out stays in the state dict and has no effect.

    Args:
        num_slices, fraction: the budget, see ``Sampler``.
        without: the ``"prior"`` of the score; what a token knows of its slice (``"thumbnail"``, ``"variance"``,
            ``"sobel"``, ``"laplacian"``, ``"place"``); the attention over slices (``"context"``); the adaptive
            temperature (``"heat"``).
        straight_through: learn through the sampling matrix, as DPS does, instead of being taught. The wider the budget,
            the weaker the prior is then.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a ``Selection``.

    Raises:
        ValueError: a part is unknown.

    Example:
        >>> DASAblatedSampler(num_slices=4, without=["prior"]).eval()(torch.rand(2, 1, 64, 64, 32)).indices.shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        without: Sequence[str] = (),
        straight_through: bool = False,
    ) -> None:
        super().__init__(num_slices, fraction)
        for part in without:
            check_choice("a part of without", part, PARTS)
        self.taught = not straight_through
        self.straight: bool = straight_through
        self.with_prior: bool = "prior" not in without
        self.with_context: bool = "context" not in without
        self.with_heat: bool = "heat" not in without
        self.known: Tensor
        self.register_buffer("known", torch.tensor([float(part not in without) for part in TOKEN]), persistent=False)
        self.encoder = SliceEncoder()
        self.token = nn.Linear(KNOWN, WIDTH)
        self.attention = SliceAttention(WIDTH, 4)
        self.head = score_head(4)
        self.heat = zero_linear(3, 1)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose slices: the highest scores."""
        check_thumbnails(thumbnails)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        looks = self.encoder(thumbnails, real)
        tokens = self.token(slice_tokens(looks) * self.known)
        if self.with_context:
            tokens = self.attention(tokens, looks.mask)
        residual = bounded(self.head(tokens), 4.0)
        scores = residual
        if self.with_prior:
            scores = looks.logs[:, 0] * (1.0 - self.widening if self.training and self.straight else 1.0) + residual
        if self.with_heat:
            scores = scores / case_temperature(self.heat(looks.mean_logs))
        keys = eligible_first(scores, looks.share, 0.01)
        rows, counts = self.budget(real, thumbnails.size(4))
        indices, kept = select_top(keys, counts, rows, real)
        weights = one_hot_rows(indices, kept, thumbnails.size(4))
        if self.training and self.straight:
            weights = straight_through(weights, top_k_soft_rows(keys, indices, real, 1.0) * kept[:, :, None])
        penalty = 0.001 * mean_square(residual, looks)
        return new_selection(weights, indices, kept, without_padding(scores, real), penalty=penalty)
