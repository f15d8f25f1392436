"""Parts of the scores of DASSampler and similar samplers: a look at every slice, tokens, a bounded residual."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from monai_das.samplers.features import SliceFeatures, exporting, on_grid, slice_moments
from monai_das.samplers.selection import lowest, slice_mask
from monai_das.samplers.slice_context import encoded_blocks

WIDTH = 32  # of a slice's token
KNOWN = WIDTH + 5  # a token is made of the encoded thumbnail, three light features and two numbers for the place


class SliceLooks(NamedTuple):
    """What a sampler sees of the slices.

    Attributes:
        lengths: ``(B,)`` int64, real slices of each case.
        mask: ``(B, D)`` bool, true for real slices.
        weight: ``(B, D)``, equal weights of the real slices of a case; they sum to 1.
        logs: ``(B, 3, D)``, ``log(share + floor)`` of variance, Sobel and Laplacian energy, each as a share of its
            largest value in the case.
        share: ``(B, D)``, the variance within each slice as a share of the largest in the case.
        encoded: ``(B, F, D)``, the encoded thumbnails.
    """

    lengths: Tensor
    mask: Tensor
    weight: Tensor
    logs: Tensor
    share: Tensor
    encoded: Tensor


class SliceEncoder(nn.Module):
    """Look at every slice once: the light features of the paper, and a small encoding of the thumbnail.

    Args:
        variance: see :class:`SliceFeatures`.
        grid: thumbnails are first averaged to about so many pixels a side.
        floor: what is added to the shares before their logarithm.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` real slices; returns :class:`SliceLooks`.

    Raises:
        ValueError: ``grid`` is below 3 or ``floor`` is not in (0, 1).
    """

    def __init__(self, variance: str = "within", grid: int = 32, floor: float = 0.01) -> None:
        super().__init__()
        if grid < 3:
            raise ValueError(f"grid must be at least 3 pixels, got {grid}")
        if not 0.0 < floor < 1.0:
            raise ValueError(f"floor must be in (0, 1), got {floor}")
        self.grid: int = grid
        self.floor: float = floor
        self.chunk: int = 1_200_000  # numbers in the thumbnails that are looked at together
        self.features = SliceFeatures(variance)
        self.first = nn.Linear(8 * 8, 16)
        self.second = nn.Linear(16, WIDTH // 2)

    def forward(self, thumbnails: Tensor, lengths: Tensor) -> SliceLooks:
        """Return what is seen of the slices."""
        mask = slice_mask(lengths, thumbnails.size(4))
        weight = mask / lengths[:, None].float()
        features, variance, encoded = self.look(thumbnails, lengths, weight)
        shares = relative(features, mask[:, None, :])
        share = relative(variance, mask) if self.features.between else shares[:, 0]
        logs = torch.log(shares + self.floor)
        return SliceLooks(lengths, mask, weight, logs, share, encoded)

    def look(self, thumbnails: Tensor, lengths: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the light features ``(B, 3, D)``, the variance ``(B, D)`` and the encoding ``(B, F, D)`` of slices.

        It takes a few cases at a time, because the temporaries of a whole batch do not fit into the cache.
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
        image = standardised(small, mean, variance, weight)
        encoded = encoded_blocks(image, self.first.weight, self.first.bias, self.second.weight, self.second.bias)
        return features, variance, encoded


def relative(features: Tensor, mask: Tensor) -> Tensor:
    """Return non-negative ``features`` ``(..., D)`` as shares of their largest real value; all are 1 if all are 0."""
    largest = (features * mask).amax(dim=-1, keepdim=True)
    return (features + 1e-30) / (largest + 1e-30)


def standardised(image: Tensor, mean: Tensor, variance: Tensor, weight: Tensor) -> Tensor:
    """Return ``image`` ``(B, C, h, w, D)`` with mean 0 and standard deviation 1 over the real slices of each case.

    ``mean`` and ``variance`` ``(B, D)`` describe the slices; ``weight`` ``(B, D)`` sums to 1 in each case.
    """
    centre = (mean * weight).sum(dim=1, keepdim=True)
    spread = ((variance + (mean - centre).square()) * weight).sum(dim=1, keepdim=True)
    return (image - centre[:, :, None, None, None]).mul_((spread + 1e-12).rsqrt()[:, :, None, None, None])


def slice_tokens(looks: SliceLooks) -> Tensor:
    """Return ``(B, D, KNOWN)``: what is known of each slice, its place in the case last."""
    mask, lengths = looks.mask, looks.lengths
    place = 2.0 * torch.arange(mask.size(1), device=mask.device) / (lengths[:, None] - 1).clamp(min=1) - 1.0
    place = place[:, None]
    return torch.cat((looks.encoded, looks.logs, place, place.square()), dim=1).transpose(1, 2)


def score_head(num_heads: int) -> nn.Sequential:
    """Return the layers that turn a token into one number per head, zero before training."""
    last = zero_linear(WIDTH, num_heads)
    return nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.ReLU(), last)


def zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a linear layer of zeros."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def bounded(raw: Tensor, bound: float) -> Tensor:
    """Return the residual ``(B, D)`` float32, within ``bound`` of zero, of one number per head ``(B, D, heads)``."""
    return bound * torch.tanh(raw.float().mean(dim=2) / bound)


def case_temperature(raw: Tensor) -> Tensor:
    """Return 0.5 to 1.5, float32: the paper's adaptive temperature of a learned number."""
    return 0.5 + torch.sigmoid(raw.float())


def eligible_first(keys: Tensor, share: Tensor, floor: float) -> Tensor:
    """Return ``keys`` ``(B, D)`` with slices of a variance ``share`` below ``floor`` behind all others, by variance."""
    return torch.where(share >= floor, keys, lowest() / (1e3 + 1e12 * share))


def mean_square(residual: Tensor, looks: SliceLooks) -> Tensor:
    """Return the mean square of ``residual`` ``(B, D)`` over the real slices, ``(B,)``."""
    return (residual.square() * looks.weight).sum(dim=1)
