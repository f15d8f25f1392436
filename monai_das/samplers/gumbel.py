"""Noise: the one place where samplers draw it, and the gradient of a noisy choice."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_das.samplers.selection import lowest, without_padding


def gumbel_noise(like: Tensor) -> Tensor:
    """Return standard Gumbel noise of the shape of ``like``, in float32, from the global generator of its device."""
    uniform = torch.rand(like.shape, device=like.device, dtype=torch.float32)
    return -torch.log(-torch.log(uniform.clamp(1e-20, 1.0 - 1e-7)))


def gaussian_noise(samples: int, like: Tensor) -> Tensor:
    """Return standard normal noise ``(samples, *like.shape)``, float32, from the global generator of its device."""
    return torch.randn((samples, *like.shape), device=like.device, dtype=torch.float32)


def seeded_order(size: int, seed: int) -> Tensor:
    """Return a random permutation of ``range(size)``, int64, from a generator of its own."""
    return torch.randperm(size, generator=torch.Generator().manual_seed(seed))


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """Return a tensor with exactly the values of ``hard`` and the gradient of ``soft``."""
    return hard + (soft - soft.detach())


def top_k_soft_rows(keys: Tensor, indices: Tensor, lengths: Tensor, temperature: float) -> Tensor:
    """Return the soft rows of a choice of the k highest keys: k softmaxes, each without the winners before it.

    The winners before a slice are just those with a higher key, so no loop is needed and the rows come in the order
    of ``indices``. With Gumbel noise in the keys this is the relaxation of DPS-top-k.

    Shape:
        - ``keys``: ``(B, D)``; ``indices``: ``(B, k)``, the highest keys of each case; ``lengths``: ``(B,)``.
        - returns ``(B, k, D)`` float32, every row sums to 1, padded slices have 0.

    References:
        Huijben, Veeling, van Sloun, *Deep probabilistic subsampling for task-adaptive compressed sensing*, ICLR 2020.
    """
    warm = without_padding(keys.float() / temperature, lengths)
    taken = warm[:, None, :] > torch.gather(warm, 1, indices)[:, :, None]
    return torch.softmax(warm[:, None, :].masked_fill(taken, lowest()), dim=2)
