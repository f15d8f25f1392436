"""DASPaperSampler: the equations of the DAS paper as printed, without repairs."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn

from monai_das.samplers.base import Sampler, check_choice, check_thumbnails
from monai_das.samplers.gumbel import gumbel_noise, straight_through
from monai_das.samplers.paper_features import PaperFeatures, max_normalised, real_mask, zscored
from monai_das.samplers.selection import (
    Selection,
    lowest,
    new_selection,
    one_hot_rows,
    real_slices,
    slice_mask,
    without_padding,
)


class DASPaperSampler(Sampler):
    """Choose slices by the equations of the DAS paper, as printed.

    With features F ``(B, T, 3)`` and heads h = 1..H::

        s^h = Softplus(MLP^h(F))                        (B, k), not negative
        A   = mean over h of a_base * s^h               (B, k, T)
        tau = tau_0 * (0.5 + sigmoid(MLP_temp(F)))      (B,)
        P   = straight-through of softmax((A + G) / tau), G Gumbel noise of its own in each row

    Nothing is repaired: the logits of all rows are one vector times positive numbers. Without noise, all k rows choose
    the same slice. With noise, they are independent draws that **may repeat a slice and are not in order**. The slices
    rank as in ``a_base``, and the temperature changes only the gradient. See :class:`DASSampler`.

    Args:
        num_slices, fraction: the budget k, see :class:`Sampler`.
        max_slices: outputs of the MLPs, ``num_slices`` by default; needed with ``fraction`` or a widened budget.
        a_base: the base score: ``"zscore"`` (of the variance, over the slices of a case), ``"max"`` (variance over
            the largest of the case), ``"variance"`` (as it is) or ``"learned"`` (linear in F). The paper says "e.g.,
            derived from temporal variance".
        variance, edges, normalise: open choices of F, see :class:`PaperFeatures`.
        entry: how F enters the MLPs: ``"pool"`` its mean over slices, for any depth, or ``"flatten"`` all of it, for
            volumes of just ``depth`` slices (so not for ``torch.export`` with dynamic depth). The paper does not say.
        depth: T for ``entry="flatten"``.
        num_heads, hidden: number of MLP^h and width of their hidden layer; MLP_temp has a width of 16. Not in the
            paper.
        temperature: tau_0. Not in the paper.
        noise_at_eval: keep the Gumbel noise in ``eval()``, a fresh draw in every call. The paper does not say; without
            it a selection shows one slice k times.
        repeats: as printed. False is for ablations: the rows choose one after the other, and no row chooses a slice of
            an earlier row, nor has it in its softmax, as in DPS.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None.
        - returns a :class:`Selection`; a case keeps its first ``min(k, length)`` rows, scores are the mean of the
          logits over the rows that it keeps.

    Raises:
        ValueError: a choice is not one of those above, ``fraction`` comes without ``max_slices``, k exceeds
            ``max_slices``, ``entry="pool"`` meets ``normalise="zscore"`` (whose mean is always 0), ``"flatten"`` comes
            without ``depth`` or meets another.

    References:
        Shankaranarayana et al., *Deep Attention-guided Adaptive Subsampling*, 2025, arXiv 2510.12376.

    Example:
        >>> DASPaperSampler(num_slices=4).eval()(torch.rand(2, 1, 8, 8, 28)).indices.shape
        torch.Size([2, 4])
    """

    def __init__(  # noqa: PLR0913 - the choices that the paper leaves open
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        max_slices: int | None = None,
        a_base: str = "zscore",
        variance: str = "within",
        edges: str = "mean",
        normalise: str = "max",
        entry: str = "pool",
        depth: int | None = None,
        num_heads: int = 4,
        hidden: int = 64,
        temperature: float = 1.0,
        noise_at_eval: bool = False,
        repeats: bool = True,
    ) -> None:
        super().__init__(num_slices, fraction)
        check_choice("a_base", a_base, ("zscore", "max", "variance", "learned"))
        check_choice("entry", entry, ("pool", "flatten"))
        if max_slices is None and num_slices is None:
            raise ValueError(f"fraction needs max_slices, the most rows that the MLPs can give, got {fraction=}")
        if entry == "pool" and normalise == "zscore":
            raise ValueError("normalise='zscore' leaves a mean of 0 to entry='pool'; use 'max', 'none' or 'flatten'")
        if (entry == "flatten") != (depth is not None):
            raise ValueError(f"depth goes with entry='flatten', and only with it, got {entry=} and {depth=}")
        self.max_slices: int = max_slices or self.num_slices
        self.a_base: str = a_base
        self.depth: int = depth or 0
        self.temperature: float = temperature
        self.noise_at_eval: bool = noise_at_eval
        self.repeats: bool = repeats
        self.features = PaperFeatures(variance, edges, normalise)
        width = 3 * max(1, self.depth)
        self.heads = nn.ModuleList([mlp(width, hidden, self.max_slices) for _ in range(num_heads)])
        self.heat = mlp(width, 16, 1)
        self.base = nn.Linear(3, 1) if a_base == "learned" else nn.Identity()

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose slices, row by row; in ``train()`` with Gumbel noise."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        logits, tau = self.attend(thumbnails, real)
        kept = slice_mask(self.budget(real, depth)[1], logits.size(1))
        keys = logits + gumbel_noise(logits) if self.training or self.noise_at_eval else logits
        if not self.repeats:
            keys = without_winners_before(keys)
        indices = torch.where(kept, keys.argmax(dim=2), real[:, None] - 1)
        weights = one_hot_rows(indices, kept, depth)
        if self.training:
            closed = ~slice_mask(real, depth)[:, None, :] | (keys <= lowest())
            warm = keys.masked_fill(closed, 0.0) / tau[:, :, None]
            soft = torch.softmax(warm.masked_fill(closed, lowest()), dim=2)
            weights = straight_through(weights, soft * kept[:, :, None])
        scores = logits.masked_fill(~kept[:, :, None], 0.0).sum(dim=1) / kept.sum(dim=1, keepdim=True)
        return new_selection(weights, indices, kept, without_padding(scores, real))

    def logits(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Tensor:
        """Return A, the logits before noise and temperature, ``(B, k, D)``; padded slices have the lowest of all."""
        check_thumbnails(thumbnails)
        return self.attend(thumbnails, real_slices(thumbnails[:, 0, 0, 0], lengths))[0]

    def attend(self, thumbnails: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits ``(B, k, D)`` and the temperature ``(B, 1)``."""
        features, variance = self.features(thumbnails, lengths)
        rows = self.budget(lengths, features.size(1))[0]
        if rows > self.max_slices:
            raise ValueError(f"a budget of {rows} rows exceeds max_slices={self.max_slices}; give a larger max_slices")
        entry = self.enter(features, lengths)
        scales = torch.zeros(1, 1, device=entry.device)
        for head in self.heads:
            scales = scales + nn.functional.softplus(head(entry).float()) / len(self.heads)
        logits = scales[:, :rows, None] * self.base_score(features, variance, lengths)[:, None, :]
        padded = ~slice_mask(lengths, features.size(1))[:, None, :]
        tau = self.temperature * (0.5 + torch.sigmoid(self.heat(entry).float()))
        return logits.masked_fill(padded, lowest()), tau

    def enter(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Return what the MLPs see of ``features`` ``(B, D, 3)``: their mean over slices, or all of them."""
        shown = features.masked_fill(~real_mask(features, lengths), 0.0)
        if self.depth == 0:
            return shown.sum(dim=1) / lengths[:, None]
        if features.size(1) != self.depth:
            raise ValueError(f"entry='flatten' is for depth={self.depth}, got {features.size(1)} slices; use 'pool'")
        return shown.flatten(1)

    def base_score(self, features: Tensor, variance: Tensor, lengths: Tensor) -> Tensor:
        """Return the base score of every slice, ``(B, D)``."""
        if self.a_base == "zscore":
            return zscored(variance, lengths)[:, :, 0]
        if self.a_base == "max":
            return max_normalised(variance, lengths)[:, :, 0]
        if self.a_base == "variance":
            return variance[:, :, 0]
        learned: Tensor = self.base(features)
        return learned[:, :, 0].float()


def without_winners_before(keys: Tensor) -> Tensor:
    """Return ``keys`` ``(B, k, D)``; in each row, slices that earlier rows chose get the lowest number."""
    rows: list[Tensor] = []
    taken = torch.zeros_like(keys[:, 0], dtype=torch.bool)
    for place in range(keys.size(1)):
        row = keys[:, place].masked_fill(taken, lowest())
        taken = taken.scatter(1, row.argmax(dim=1, keepdim=True), torch.ones_like(taken))
        rows.append(row)
    return torch.stack(rows, dim=1)


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Return Linear, ReLU, Linear."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
