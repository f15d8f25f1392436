"""Volumes and samplers that the tests of DASSampler and DASGateSampler share."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from monai_das.samplers import DASGateSampler, DASSampler, Selection

# contrast of each slice: variances fall from the first to the last
CONTRAST = torch.tensor([1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])
EMPTY, FAINT = 2, 5


def falling_volume(batch: int = 2) -> Tensor:
    """Return ``(B, 1, 16, 16, 8)``, the slice of the highest variance first."""
    return torch.randn(1, 1, 16, 16, 1) * CONTRAST + torch.zeros(batch, 1, 1, 1, 1)


def volume_with_empty_slices(depth: int = 9) -> Tensor:
    """Return air at -1000 HU; slice ``EMPTY`` is constant, slice ``FAINT`` has 0.001 of the variance of the others."""
    volume = 100.0 * torch.randn(3, 1, 16, 16, depth)
    volume[..., EMPTY] = 0.0
    volume[..., FAINT] *= 0.001**0.5
    return volume - 1000.0


class Preference(nn.Module):
    """A residual that wants certain slices, as strongly as the sampler lets it."""

    def __init__(self, wanted: list[int]) -> None:
        super().__init__()
        self.wanted = wanted

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        raw = torch.full(tokens.shape[:2], -1e6)
        raw[:, self.wanted] = 1e6
        return raw[:, :, None]


def preferring(sampler: DASGateSampler, *wanted: int) -> DASGateSampler:
    """Return ``sampler`` with a residual of ``+bound`` for the slices ``wanted`` and ``-bound`` for all others."""
    sampler.attention, sampler.head = Preference(list(wanted)), nn.Identity()
    return sampler


def steep(sampler: DASSampler | DASGateSampler) -> DASSampler | DASGateSampler:
    """Return ``sampler`` with random last layers, so steep that the residual is at its bounds."""
    for layer in (sampler.head[-1], sampler.heat) if isinstance(sampler, DASGateSampler) else (sampler.head[-1],):
        nn.init.normal_(layer.weight, std=100.0)
        nn.init.normal_(layer.bias, std=10.0)
    return sampler


def draws(sampler: DASGateSampler, thumbnails: Tensor, times: int) -> Iterator[Selection]:
    sampler.train()
    for _ in range(times):
        yield sampler(thumbnails)
