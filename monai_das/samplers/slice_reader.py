"""What active samplers share: a reader of single slices, decision layers, and what they remember of a slice."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_das.samplers.features import on_grid
from monai_das.samplers.gumbel import straight_through
from monai_das.samplers.selection import slice_mask
from monai_das.samplers.slice_context import SliceAttention, ThumbnailEncoder


class SliceReader(nn.Module):
    """Encode each slice by itself: its thumbnail, its brightness and contrast, and its place in the case.

    The features of a slice depend on no other slice, so that a sampler can "read" slices one by one.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` real slices.
        - returns ``(B, D, num_features)`` float32, zero for padded slices.
    """

    def __init__(self, num_features: int, grid: int = 32) -> None:
        super().__init__()
        self.grid: int = grid
        self.encoder = ThumbnailEncoder(32)
        self.mix = nn.Sequential(nn.Linear(32 + 3, num_features), nn.ReLU(), nn.LayerNorm(num_features))

    def forward(self, thumbnails: Tensor, lengths: Tensor) -> Tensor:
        """Return the features of every slice."""
        image = on_grid(thumbnails.float(), self.grid)
        mean = image.mean(dim=(1, 2, 3), keepdim=True)
        centred = image - mean
        spread = (centred.square().mean(dim=(1, 2, 3), keepdim=True) + 1e-12).sqrt()
        maps = self.encoder(centred / (spread + 1e-5 * mean.abs()))
        place = (torch.arange(image.size(4), device=image.device)[None, :] + 0.5) / lengths[:, None]
        level = torch.stack((torch.asinh(mean[:, 0, 0, 0]), torch.asinh(spread[:, 0, 0, 0]), place), dim=2)
        features: Tensor = self.mix(torch.cat((maps, level), dim=2)).float()
        return features.masked_fill(~slice_mask(lengths, image.size(4))[:, :, None], 0.0)


def decision_layers(hidden: int, depth: int, dropout: float) -> nn.Sequential:
    """Return the layers that turn a memory ``(B, hidden)`` into logits of ``depth`` grid points."""
    return nn.Sequential(
        nn.Linear(hidden, 2 * hidden), nn.LeakyReLU(0.2), nn.Dropout(dropout), nn.Linear(2 * hidden, depth)
    )


def seen_features(features: Tensor, rows: Tensor, soft: Tensor, training: bool) -> Tensor:
    """Return the sum ``(B, F)`` of the features ``(B, D, F)`` of the slices in ``rows`` ``(B, k, D)``.

    In training it also has the gradient of the ``soft`` rows ``(B, k, D)``, because another slice would have given
    another feature.
    """
    seen = torch.bmm(rows, features).sum(dim=1)
    if training:
        seen = straight_through(seen, seen + torch.bmm(soft, features.detach()).sum(dim=1))
    return seen


class SliceScorer(nn.Module):
    """Score every slice by its own thumbnail and by what attention finds in the others of its case.

    All rivals that have a scorer use this one, so that they differ in how they learn, not in what they see.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` real slices.
        - returns ``(B, D)`` float32; the scores of padded slices mean nothing.
    """

    def __init__(self, dim: int = 32, num_heads: int = 4) -> None:
        super().__init__()
        self.reader = SliceReader(dim)
        self.attention = SliceAttention(dim, num_heads)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 1))

    def forward(self, thumbnails: Tensor, lengths: Tensor) -> Tensor:
        """Return the scores."""
        mask = slice_mask(lengths, thumbnails.size(4))
        tokens = self.attention(self.reader(thumbnails, lengths), mask)
        scores: Tensor = self.head(tokens).float().squeeze(2)
        return scores
