"""Draw what a sampler chose, as tensors with values in [0, 1]; nothing but torch is needed."""

from __future__ import annotations

import math

import torch
from torch import Tensor

CHOSEN = (0.95, 0.55, 0.10)
OTHER = (0.45, 0.55, 0.65)
CELL = 8
HEIGHT = 64


def score_picture(scores: Tensor, chosen: Tensor) -> Tensor:
    """Return bars of the scores, one per slice; the bars of chosen slices are orange.

    Shape:
        - ``scores``: ``(D,)``; ``chosen``: ``(k,)`` indices, negative ones are ignored.
        - returns ``(3, 64, 8 D)``; the lowest score has a bar of one pixel.
    """
    values = rescaled(scores.float())
    heights = 1 + (values * (HEIGHT - 1)).round().long()
    bars = torch.arange(HEIGHT, 0, -1, device=scores.device)[:, None] <= heights[None, :]
    picked = torch.zeros_like(bars[0])
    picked[chosen[chosen >= 0]] = True
    colours = torch.where(picked, torch.tensor(CHOSEN)[:, None].to(values), torch.tensor(OTHER)[:, None].to(values))
    picture = torch.where(bars, colours[:, None, :], torch.ones_like(values))
    return picture.repeat_interleave(CELL, dim=2)


def matrix_picture(weights: Tensor) -> Tensor:
    """Return the sampling matrix ``(k, D)`` as a picture ``(1, 8 k, 8 D)``, white where a row takes a slice."""
    return weights.float().clamp(0.0, 1.0)[None].repeat_interleave(CELL, dim=1).repeat_interleave(CELL, dim=2)


def montage(slices: Tensor, columns: int = 8) -> Tensor:
    """Return slices side by side, row by row, separated by a white line.

    Shape:
        - ``slices``: ``(C, H, W, k)``; 1 or 3 channels are shown, otherwise their mean. Scaled together to [0, 1].
        - returns ``(c, rows (H + 1), columns (W + 1))`` with c 1 or 3; empty places are white.
    """
    shown = slices.float() if slices.size(0) in (1, 3) else slices.float().mean(dim=0, keepdim=True)
    tiles = torch.nn.functional.pad(rescaled(shown).permute(3, 0, 1, 2), (0, 1, 0, 1), value=1.0)
    count, channels, height, width = tiles.shape
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    board = tiles.new_ones(rows * columns, channels, height, width)
    board[:count] = tiles
    board = board.reshape(rows, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    return board.reshape(channels, rows * height, columns * width)


def rescaled(values: Tensor) -> Tensor:
    """Return ``values`` stretched to [0, 1]; zeros where all are equal."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if bool(high > low) else torch.zeros_like(values)
