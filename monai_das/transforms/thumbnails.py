"""Thumbnails, one of fixed size for each slice: what every sampler sees."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor


def make_thumbnails(volume: Tensor, size: int) -> Tensor:
    """Return every slice of ``volume`` at ``size`` x ``size`` pixels, in float32.

    A thumbnail is the mean over blocks of ``side // size`` pixels, taken over one axis after the other (3 to 4 times
    faster than both at once). If ``side`` is no multiple of ``size``, linear interpolation between the centres of the
    blocks follows. Every pixel counts; nothing is cropped. Smaller slices are enlarged linearly.

    Args:
        volume: ``(B, C, H, W, D)``, any real dtype (converted before the first sum), H and W at least 3.
        size: side of the thumbnails in pixels, at least 3.

    Returns:
        ``(B, C, size, size, D)`` float32, in the units of ``volume``; ``volume`` itself if it already has that form.

    Raises:
        ValueError: ``volume`` is not 5-D, or its slices or ``size`` are below 3 pixels.

    Example:
        >>> import torch
        >>> make_thumbnails(torch.rand(2, 1, 512, 500, 32), 64).shape
        torch.Size([2, 1, 64, 64, 32])
    """
    check_volume(volume)
    if size < 3:
        raise ValueError(f"thumbnails must be at least 3 pixels a side, got size={size}")
    image = volume.float()
    rows, columns = max(1, image.size(2) // size), max(1, image.size(3) // size)
    # columns before the rows are joined: joining copies, and is cheap only once both axes are small
    blocks = joined([joined(block_means(part, 3, columns), 3) for part in block_means(image, 2, rows)], 2)
    tall = interpolated(blocks, 2, size, image.size(2) / rows)
    return interpolated(tall, 3, size, image.size(3) / columns)


def check_volume(volume: Tensor) -> None:
    """Raise ``ValueError`` unless ``volume`` is ``(B, C, H, W, D)`` with H and W at least 3 and D at least 1."""
    if volume.dim() != 5:
        raise ValueError(f"volume must be (B, C, H, W, D), got {list(volume.shape)}; add a batch axis: volume[None]")
    if volume.size(2) < 3 or volume.size(3) < 3:
        raise ValueError(
            f"slices must be at least 3 x 3 pixels, got volume {list(volume.shape)}; slices are the last axis"
        )
    if volume.size(4) < 1:
        raise ValueError(f"volume must have at least one slice, got {list(volume.shape)}; slices are the last axis")


def warn_if_slices_come_first(shape: Sequence[int]) -> None:
    """Warn if ``shape`` ``(..., H, W, D)`` looks like ``(..., D, H, W)``, which no other check can tell.

    It does if the last two axes are equal and the one before differs, or if that one is at most half of both. Some
    cannot be told, such as a cube. Nothing is done while a graph is made (compile, trace).
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
        return
    rows, columns, depth = (int(side) for side in shape[-3:])
    image = min(columns, depth) >= 16  # anything smaller is none
    if image and ((columns == depth != rows) or 2 * rows <= min(columns, depth)):
        warnings.warn(
            f"volume {[int(side) for side in shape]} looks as if slices came first: as it is, it holds {depth} slices "
            f"of {rows} x {columns} pixels. Slices are the last axis: use volume.movedim(-3, -1), or the transform "
            "SliceAxisd. If they are last, filter this warning by its first words",
            stacklevel=2,
        )


def block_means(image: Tensor, dim: int, factor: int) -> list[Tensor]:
    """Return the means over blocks of ``factor`` along ``dim``: the whole blocks, then a shorter last one."""
    if factor == 1:
        return [image]
    count = image.size(dim) // factor
    rest = image.size(dim) - count * factor
    means = [torch.unflatten(image.narrow(dim, 0, count * factor), dim, [count, factor]).mean(dim + 1)]
    if rest > 0:
        means.append(image.narrow(dim, count * factor, rest).mean(dim, keepdim=True))
    return means


def joined(parts: list[Tensor], dim: int) -> Tensor:
    """Return ``parts`` joined along ``dim``; a single part is not copied."""
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)


def interpolated(blocks: Tensor, dim: int, size: int, extent: float) -> Tensor:
    """Return ``size`` equally spaced samples along ``dim``, linear between the centres of ``blocks``.

    ``extent`` is the length of the axis in blocks; it is not a whole number if the last block is shorter.
    """
    if extent == size:
        return blocks
    last = blocks.size(dim) - 1
    centres = (torch.arange(size, device=blocks.device, dtype=torch.float32) + 0.5) * (extent / size) - 0.5
    centres = centres.clamp(0.0, float(last))
    before = centres.floor().to(torch.int64)
    after = (before + 1).clamp(max=last)
    low = blocks.index_select(dim, before)
    part = (centres - before).view([-1] + [1] * (blocks.dim() - 1 - dim))
    return low + (blocks.index_select(dim, after) - low) * part
