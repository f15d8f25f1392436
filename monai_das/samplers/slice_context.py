"""What DASSampler learns of the slices: a small encoder of each thumbnail, and attention over all of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_das.samplers.selection import lowest, slice_mask


class ThumbnailEncoder(nn.Module):
    """Encode each slice of a block-averaged volume by a small convolution and a layer per place.

    Pixels are folded four by four into channels before the first convolution: on a CPU a convolution of one input
    channel costs several times as much as one of 16, and the copy that folds also brings the slices to the front.

    Shape:
        - ``image``: ``(B, C, h, w, D)``, standardised intensities; channels are averaged.
        - returns ``(B, D, num_features)``: half of them the mean, half the maximum over the slice.
    """

    def __init__(self, num_features: int = 32, width: int = 16) -> None:
        super().__init__()
        self.first = nn.Conv2d(16, width, 3, padding=1)
        self.second = nn.Linear(width, num_features // 2)

    def forward(self, image: Tensor) -> Tensor:
        """Return the features of every slice."""
        grey = image[:, 0] if image.size(1) == 1 else image.mean(dim=1)
        grey = functional.pad(grey, (0, 0, 0, -grey.size(2) % 4, 0, -grey.size(1) % 4))
        batch, rows, columns, depth = grey.shape
        blocks = grey.reshape(batch, rows // 4, 4, columns // 4, 4, depth).permute(0, 5, 1, 3, 2, 4)
        folded = blocks.reshape(batch * depth, rows // 4, columns // 4, 16).permute(0, 3, 1, 2)
        maps = functional.relu_(self.first(folded)).permute(0, 2, 3, 1).flatten(1, 2)
        maps = functional.relu_(self.second(maps)).float()
        features = torch.cat((maps.mean(dim=1), maps.amax(dim=1)), dim=1)
        return features.reshape(batch, depth, -1)


class SliceAttention(nn.Module):
    """Multi-head self-attention over the slices of a case (pre-norm), for any number of slices.

    Shape:
        - ``tokens``: ``(B, D, dim)``; ``lengths``: ``(B,)`` real slices, the others are never looked at.
        - returns ``(B, D, dim)``.

    Raises:
        ValueError: ``dim`` is no multiple of ``num_heads``.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        if dim % num_heads != 0:
            raise ValueError(f"dim must be a multiple of num_heads, got {dim=} and {num_heads=}")
        self.num_heads: int = num_heads
        self.norm = nn.LayerNorm(dim)
        self.to_qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Let every slice look at all real slices of its case."""
        batch, depth, dim = tokens.shape
        parts = self.to_qkv(self.norm(tokens)).reshape(batch, depth, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = parts[0], parts[1], parts[2]
        logits = torch.matmul(query, key.transpose(2, 3)).float() * (dim // self.num_heads) ** -0.5
        logits = logits.masked_fill(~slice_mask(lengths, depth)[:, None, None, :], lowest())
        mixed = torch.matmul(torch.softmax(logits, dim=3).to(value.dtype), value)
        attended: Tensor = self.out(mixed.permute(0, 2, 1, 3).reshape(batch, depth, dim))
        return tokens + attended
