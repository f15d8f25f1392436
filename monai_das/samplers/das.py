"""DASSampler, the default: handcrafted scores with a learned, bounded residual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import torch
from torch import Tensor, nn

from monai_das.samplers.base import Sampler, check_choice, check_thumbnails
from monai_das.samplers.features import SliceFeatures, exporting, on_grid, slice_moments
from monai_das.samplers.gumbel import gumbel_noise, straight_through, top_k_soft_rows
from monai_das.samplers.selection import (
    Selection,
    lowest,
    new_selection,
    one_hot_rows,
    real_slices,
    select_top,
    slice_mask,
    without_padding,
)
from monai_das.samplers.slice_context import SliceAttention, ThumbnailEncoder

PARTS = ("prior", "variance", "sobel", "laplacian", "thumbnail", "place", "context", "heat")


class DASSampler(Sampler):
    """Choose k distinct slices by handcrafted scores and a learned, bounded residual.

    ``scores = (prior + bound * tanh(residual / bound)) / temperature``, where ``prior = log(variance / largest
    variance + floor)``. The residual is what multi-head attention over the slices makes of the light features of the
    paper, a small encoder of each thumbnail and the place of the slice. Its last layer starts at zero: untrained, the
    choice is that of :class:`DASTopVarianceSampler`. A slice whose variance is below ``floor`` of the largest is
    *eligible* only when fewer than k others are, and then by its variance, whatever the residual says, so that the
    choice cannot collapse onto empty slices.

    Kept of the paper: light features, several heads, adaptive temperature, Gumbel noise, the sampling matrix. Mended:
    slices are distinct (Gumbel top-k), attention can reorder them, features are learned beside the handcrafted ones,
    and the gradient does not come through pixels. The scores are taught, while training widens the budget
    (``Sampler.widening``), by attention that sees the backbone's features of all slices (``DASAttentionAggregation``,
    the default of ``DASSliceClassifier``); without a schedule that widens the budget they learn nothing. Or the
    gradient comes through the weight that a kept slice's score has in the network (``DASGatedAggregation``,
    ``DASVolumeClassifier``): ``gradient="gate", noise=0.3``. With the gate the prior is faded out as far as the budget
    is widened: with all slices kept a misleading prior would only hide the evidence from the classifier.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.
        max_slices: in training, draw the budget log-uniformly from ``[num_slices, max_slices]`` in every step, so that
            one trained model serves any of them.
        variance: ``"within"`` slices or ``"between"`` neighbouring ones (clips), see :class:`SliceFeatures`.
        grid: pixels a side, about, to which thumbnails are averaged first, whatever their size; what is smaller than
            two of these pixels cannot guide the choice. Costs grow with its square.
        num_heads: heads of the attention over slices.
        dim: width of a slice's token.
        bound: largest absolute residual; 4 lets a slice overtake one of 55 times its variance, and be overtaken.
        floor: share of the largest variance below which a slice counts as empty.
        noise: scale of the Gumbel noise on the scores in ``train()``; 0 is none.
        temperature: the paper's tau_0; the adaptive temperature is ``tau_0 * (0.5 + sigmoid(...))`` per case.
        residual_penalty: weight of the mean squared residual in ``Selection.penalty``.
        without: parts to leave out, for ablations: the ``"prior"`` of the score; what a token knows of its slice
            (``"variance"``, ``"sobel"``, ``"laplacian"``, ``"thumbnail"``, ``"place"``); the attention over slices
            (``"context"``); the adaptive temperature (``"heat"``, tau_0 is left).
        gradient: ``"distillation"``, from what attention over all slices teaches; ``"gate"``, through the scores'
            weight in the network; or ``"straight_through"``, through the sampling matrix as in DPS. The first and the
            last are for an aggregation that does not weigh by scores.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection`.

    Raises:
        ValueError: ``max_slices`` is below ``num_slices``, or given with ``fraction``; ``bound`` or ``temperature`` is
            not positive, ``floor`` not in (0, 1), or ``grid`` below 3; a part or the gradient is unknown.

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
        dim: int = 32,
        bound: float = 4.0,
        floor: float = 0.01,
        noise: float = 0.0,
        temperature: float = 1.0,
        residual_penalty: float = 0.001,
        without: Sequence[str] = (),
        gradient: str = "distillation",
    ) -> None:
        super().__init__(num_slices, fraction)
        if max_slices is not None and not 0 < self.num_slices <= max_slices:
            raise ValueError(f"max_slices must be num_slices or more, got {num_slices=} and {max_slices=}")
        if bound <= 0.0 or temperature <= 0.0 or not 0.0 < floor < 1.0:
            raise ValueError(
                f"bound and temperature must be above 0, floor in (0, 1), got {bound=}, {temperature=} and {floor=}"
            )
        if grid < 3:
            raise ValueError(f"grid must be at least 3 pixels, got {grid}")
        for part in without:
            check_choice("a part of without", part, PARTS)
        check_choice("gradient", gradient, ("gate", "distillation", "straight_through"))
        self.max_slices: int = max_slices or 0
        self.bound: float = bound
        self.floor: float = floor
        self.noise: float = noise
        self.temperature: float = temperature
        self.residual_penalty: float = residual_penalty
        self.grid: int = grid
        self.chunk: int = 1_200_000  # numbers in the thumbnails that are looked at together
        self.features = SliceFeatures(variance)
        self.encoder = ThumbnailEncoder(dim)
        self.token = nn.Linear(dim + 5, dim)
        self.attention = SliceAttention(dim, num_heads)
        self.straight: bool = gradient == "straight_through"
        self.taught = gradient == "distillation"
        self.prior_weight: float = 0.0 if "prior" in without else 1.0
        self.with_context: bool = "context" not in without
        self.with_heat: bool = "heat" not in without
        # of a token: its thumbnail, three light features, its place
        known = ["thumbnail"] * dim + ["variance", "sobel", "laplacian", "place", "place"]
        self.partial: bool = any(part in without for part in known)
        self.known: Tensor
        self.register_buffer("known", torch.tensor([float(part not in without) for part in known]), persistent=False)
        last = nn.Linear(dim, num_heads)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim), nn.ReLU(), last)
        self.heat = nn.Linear(3, 1)
        for layer in (last, self.heat):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose slices: the highest scores, in ``train()`` with Gumbel noise."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        mask = slice_mask(real, depth)
        weight = mask / real[:, None].float()
        features, variance, encoded = self.look(thumbnails, real, weight)
        shares = relative(features, mask[:, None, :])
        share = relative(variance, mask) if self.features.between else shares[:, 0]
        logs = torch.log(shares + self.floor)
        residual = self.residual(encoded, logs, real, mask)
        prior = logs[:, 0] * (self.prior_weight * (1.0 - self.widening if self.training and not self.taught else 1.0))
        scores = (prior + residual) / self.case_temperature(logs, weight)
        keys = scores
        if self.training and self.noise > 0.0:
            keys = scores + self.noise * gumbel_noise(scores)
        # empty slices rank behind all others, among themselves by variance
        keys = torch.where(share >= self.floor, keys, lowest() / (1e3 + 1e12 * share))
        rows, counts = self.budget(real, depth)
        if self.training and self.max_slices > 0:
            rows, counts = self.random_budget(rows, counts, real)
        indices, kept = select_top(keys, counts, rows, real)
        penalty = self.residual_penalty * (residual.square() * weight).sum(dim=1)
        rows_of = one_hot_rows(indices, kept, depth)
        if self.training and self.straight:
            soft = top_k_soft_rows(keys, indices, real, 1.0)
            rows_of = straight_through(rows_of, soft * kept[:, :, None])
        return new_selection(rows_of, indices, kept, without_padding(scores, real), penalty=penalty)

    def look(self, thumbnails: Tensor, lengths: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the light features ``(B, 3, D)``, the variance ``(B, D)`` and the encoding ``(B, D, dim)`` of slices.

        A few cases at a time: temporaries of a whole batch leave the cache and fault in fresh pages.
        """
        if thumbnails.numel() <= self.chunk or exporting():
            return self.look_at_once(thumbnails, lengths, weight)
        few = max(1, self.chunk // thumbnails[0].numel())
        seen = [
            self.look_at_once(thumbnails[i : i + few], lengths[i : i + few], weight[i : i + few])
            for i in range(0, thumbnails.size(0), few)
        ]
        return (
            torch.cat([a for a, _, _ in seen]),
            torch.cat([b for _, b, _ in seen]),
            torch.cat([c for _, _, c in seen]),
        )

    def look_at_once(self, thumbnails: Tensor, lengths: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Do the work of ``look`` on all cases at once."""
        small = on_grid(thumbnails.float(), self.grid)
        mean, variance = slice_moments(small)
        features = self.features.describe(small, variance, lengths)
        return features, variance, self.encoder(standardised(small, mean, variance, weight))

    def residual(self, encoded: Tensor, logs: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
        """Return the learned part of the score, ``(B, D)``, within ``bound`` of zero."""
        place = torch.arange(mask.size(1), device=mask.device)[None, :] / (lengths[:, None] - 1).clamp(min=1)
        place = 2.0 * place - 1.0
        places = torch.stack((place, place.square()), dim=2)
        tokens = torch.cat((encoded, logs.transpose(1, 2), places), dim=2)
        tokens = self.token(tokens * self.known if self.partial else tokens)
        if self.with_context:
            tokens = self.attention(tokens, mask)
        raw = self.head(tokens).float().mean(dim=2)
        return self.bound * torch.tanh(raw / self.bound)

    def case_temperature(self, logs: Tensor, weight: Tensor) -> Tensor:
        """Return the adaptive temperature of each case, ``(B, 1)``: tau_0 times 0.5 to 1.5, learned of its features."""
        mean = (logs * weight[:, None, :]).sum(dim=2)
        if not self.with_heat:
            return torch.full_like(mean[:, :1], self.temperature)
        return self.temperature * (0.5 + torch.sigmoid(self.heat(mean).float()))

    def random_budget(self, rows: int, counts: Tensor, lengths: Tensor) -> tuple[int, Tensor]:
        """Return a budget drawn log-uniformly between the present one and ``max_slices``, the same for the batch."""
        ratio = max(1.0, self.max_slices / self.num_slices)
        drawn = int(self.num_slices * ratio ** float(torch.rand(1)) + 0.5)
        rows = max(rows, drawn)
        return rows, torch.minimum(torch.maximum(counts, torch.full_like(counts, drawn)), lengths)


def relative(features: Tensor, mask: Tensor) -> Tensor:
    """Return non-negative ``features`` ``(..., D)`` as shares of their largest real value; all 1 where all are 0."""
    largest = (features * mask).amax(dim=-1, keepdim=True)
    return torch.where(largest > 0.0, features / largest.clamp(min=1e-30), torch.ones_like(features))


def standardised(image: Tensor, mean: Tensor, variance: Tensor, weight: Tensor) -> Tensor:
    """Return ``image`` ``(B, C, h, w, D)`` with mean 0 and standard deviation 1 over the real slices of each case.

    ``mean`` and ``variance`` ``(B, D)`` are those of the slices; ``weight`` ``(B, D)`` of a case sums to 1.
    """
    centre = (mean * weight).sum(dim=1, keepdim=True)
    spread = ((variance + (mean - centre).square()) * weight).sum(dim=1, keepdim=True)
    return (image - centre[:, :, None, None, None]).mul_((spread + 1e-12).rsqrt()[:, :, None, None, None])
