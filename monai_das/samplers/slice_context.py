"""What samplers learn of the slices: a small encoder of each thumbnail, and attention over all of them."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn
from torch.nn import functional


def encoded_blocks(image: Tensor, first: Tensor, bias: Tensor, second: Tensor, last_bias: Tensor) -> Tensor:
    """Encode each slice of a block-averaged volume by its blocks of 8 x 8 pixels and two linear layers per block.

    This is a matrix product, and the slices stay on the last axis. A convolution needs the slices first, and takes
    several times as long on a CPU.

    Shape:
        - ``image``: ``(B, C, h, w, D)``, standardised intensities; channels are averaged.
        - ``first``: ``(width, 64)`` and ``bias``: ``(width,)``; ``second``: ``(F / 2, width)`` and ``last_bias``.
        - returns ``(B, F, D)``: half of them the mean, half the maximum over the slice.
    """
    grey = image[:, 0] if image.size(1) == 1 else image.mean(dim=1)
    block = 8
    below, right = -grey.size(1) % block, -grey.size(2) % block
    if below + right > 0:
        grey = functional.pad(grey, (0, 0, 0, right, 0, below))
    batch, rows, columns, depth = grey.shape
    blocks = grey.reshape(batch, rows // block, block, columns // block, block, depth)
    pixels = blocks.permute(2, 4, 0, 1, 3, 5).reshape(block * block, -1)
    maps = torch.addmm(bias[:, None], first, pixels).relu_()
    maps = torch.addmm(last_bias[:, None], second, maps).relu_().float()
    maps = maps.reshape(maps.size(0), batch, -1, depth)
    return torch.cat((maps.mean(dim=2), maps.amax(dim=2))).transpose(0, 1)


class ThumbnailEncoder(nn.Module):
    """Encode each slice of a block-averaged volume, see :func:`encoded_blocks`.

    Shape:
        - ``image``: ``(B, C, h, w, D)``, standardised intensities; channels are averaged.
        - returns ``(B, D, num_features)``: half of them the mean, half the maximum over the slice.
    """

    def __init__(self, num_features: int = 32, width: int = 16) -> None:
        super().__init__()
        self.first = nn.Linear(8 * 8, width)
        self.second = nn.Linear(width, num_features // 2)

    def forward(self, image: Tensor) -> Tensor:
        """Return the features of every slice."""
        first, second = self.first, self.second
        return encoded_blocks(image, first.weight, first.bias, second.weight, second.bias).transpose(1, 2)


class SliceAttention(nn.Module):
    """Multi-head self-attention over the slices of a case (pre-norm), for any number of slices.

    Shape:
        - ``tokens``: ``(B, D, dim)``; ``mask``: ``(B, D)``, true for real slices, or None where all are: no slice
          attends to the others.
        - returns ``(B, D, dim)``.

    Raises:
        ValueError: ``dim`` is not a multiple of ``num_heads``.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        if dim % num_heads != 0:
            raise ValueError(f"dim must be a multiple of num_heads, got {dim=} and {num_heads=}")
        self.num_heads: int = num_heads
        self.norm = nn.LayerNorm(dim)
        self.to_qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        """Let every slice look at all real slices of its case."""
        batch, depth, dim = tokens.shape
        parts = self.to_qkv(self.norm(tokens)).reshape(batch, depth, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        seen = None if mask is None else mask[:, None, None, :].expand(-1, 1, depth, -1)
        mixed = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], attn_mask=seen)
        attended: Tensor = self.out(mixed.permute(0, 2, 1, 3).reshape(batch, depth, dim))
        return tokens + attended


def gated_attention(value: Tensor, gate: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return the logits ``(B, k)`` of gated attention, ``w . (tanh(V h) * sigmoid(U h))``.

    Shape:
        - ``value``, ``gate``: ``(B, k, hidden)``, what two linear layers V and U make of the features h of each slice.
        - ``weight``: ``(1, hidden)``; ``bias``: ``(1,)``.

    References:
        Ilse, Tomczak, Welling, *Attention-based Deep Multiple Instance Learning*, ICML 2018, arXiv 1802.04712.
    """
    return functional.linear(torch.tanh(value) * torch.sigmoid(gate), weight, bias).squeeze(2)
