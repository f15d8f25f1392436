"""A sampling design: the probability with which each slice is included, and the choice of exactly k slices by it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from monai_das.samplers.selection import lowest, slice_mask


def unit() -> float:
    """Return how many units the probability 1 has: sums of whole units are exact (a function, as TorchScript needs)."""
    return 4_294_967_296.0


def accurate(values: Tensor) -> Tensor:
    """Return ``values`` in float64, on the CPU where their device has none (Apple's)."""
    if values.device.type == "mps":
        return values.cpu().double()
    return values.double()


def inclusion_probabilities(logits: Tensor, counts: Tensor, real: Tensor) -> Tensor:
    """Return the probabilities ``min(1, c * exp(logit))`` of the real slices, which sum to ``counts``.

    With the weights ``w = exp(logit)`` in ascending order, c is the largest of ``(counts - m) / (sum of all but the m
    largest w)``, m below ``counts``: ``min(1, c w)`` is at most 1 for the m largest and at most ``c w`` for the others,
    so no c that fits is smaller than any of these, and one of them fits.

    Args:
        logits: ``(B, D)``, of the slices. Those with the logit :func:`lowest` get a share only where a case takes more
            slices than there are others, and then all the same.
        counts: ``(B,)`` int64, how many slices each case takes: at least one, at most all of its real ones.
        real: ``(B, D)`` bool; the other slices get 0.

    Returns:
        ``(B, D)`` float64, without a gradient.

    Example:
        >>> logits = torch.tensor([[0.0, 0.0, 0.0, 9.0]])
        >>> inclusion_probabilities(logits, torch.tensor([2]), torch.ones(1, 4, dtype=torch.bool))[0, 3].item()
        1.0
    """
    outside = ~real
    warm = accurate(logits.detach().masked_fill(outside, lowest()))
    wanted = counts.to(warm.device)[:, None]
    depth = logits.size(1)
    rising, order = torch.sort(warm, dim=1)
    # from the k-th highest: what is far above it is sure, what is far below it is never taken
    middle = torch.gather(rising, 1, depth - wanted)
    weights = torch.exp((warm - middle).clamp(-300.0, 300.0)).masked_fill(outside.to(warm.device), 0.0)
    rest = torch.cumsum(torch.gather(weights, 1, order), dim=1)  # with the k-th highest it is at least 1
    steps = (torch.arange(1 - depth, 1, device=warm.device) + wanted) / rest.clamp(min=1.0)
    return (steps.amax(dim=1, keepdim=True) * weights).clamp(max=1.0)


def cumulated(inclusion: Tensor) -> tuple[Tensor, Tensor]:
    """Return where each slice ends on the axis of cumulated probability, and its width, ``(B, D)`` float64 in units.

    No slice is wider than the probability 1, whatever is rounded: no two marks at a distance of 1 meet one slice.
    """
    ends = torch.round(torch.cumsum(inclusion, dim=1) * unit())
    widths = (ends - functional.pad(ends, (1, -1))).clamp(0.0, unit())
    return torch.cumsum(widths, dim=1), widths


def systematic(inclusion: Tensor, rows: int, start: Tensor) -> Tensor:
    """Return the slices where the cumulated probability passes ``start``, ``start + 1``, ...: systematic sampling.

    Where ``start`` is uniform in [0, 1), a slice is taken with exactly its probability. Where all probabilities are
    equal and ``start`` is 0.5, the slices are those of ``DASUniformSampler``.

    Args:
        inclusion: ``(B, D)`` float64, each at most 1, with a whole sum.
        rows: k, at least the largest sum; rows beyond the sum of a case hold D.
        start: ``(B,)`` float32 in [0, 1).

    Returns:
        ``(B, k)`` int64, ascending, and distinct up to the sum of the case.

    References:
        Madow, *On the theory of systematic sampling, II*, Annals of Mathematical Statistics, 1949.

    Example:
        >>> systematic(torch.full((1, 12), 0.25), 3, torch.tensor([0.5])).tolist()
        [[2, 6, 10]]
    """
    ends = cumulated(inclusion)[0]
    marks = unit() * (accurate(start).to(ends.device)[:, None] + torch.arange(rows, device=ends.device))
    return (ends[:, None, :] <= marks[:, :, None]).sum(dim=2).to(start.device)


def stratified(inclusion: Tensor, scores: Tensor, counts: Tensor, rows: int) -> Tensor:
    """Return the slice of the highest score in each of k consecutive parts of equal cumulated probability.

    Equal scores give the slice nearest the middle of the part. The best slice of all is always chosen. The middles of
    neighbouring slices are at most 1 apart, so every part has a slice.

    Args:
        inclusion, rows: as for :func:`systematic`.
        scores: ``(B, D)``, float.
        counts: ``(B,)`` int64, the whole sums of ``inclusion``.

    Returns:
        ``(B, k)`` int64, ascending and distinct in the first ``counts`` rows of a case; the others mean nothing.

    Example:
        >>> scores = torch.tensor([[0.0, 0.0, 0.0, 9.0, 0.0, 0.0]])
        >>> stratified(torch.full((1, 6), 1 / 3), scores, torch.tensor([2]), 2).tolist()
        [[1, 3]]
    """
    ends, widths = cumulated(inclusion)
    middles = 2.0 * ends - widths  # twice the middle of each slice
    part = torch.minimum((middles / (2.0 * unit())).long(), counts.to(ends.device)[:, None] - 1)
    elsewhere = part[:, None, :] != torch.arange(rows, device=ends.device)[:, None]
    marks = scores.detach().to(ends.device).masked_fill(widths == 0.0, float("-inf"))
    best = marks[:, None, :].masked_fill(elsewhere, float("-inf")).amax(dim=2)
    # of two slices at one distance the later, also if rounding parts the distances by a few units
    away = (middles - 2.0 * unit() * part - (unit() + 32.0)).abs()
    away = away.masked_fill(marks < torch.gather(best, 1, part), float("inf"))
    return torch.argmin(away[:, None, :].masked_fill(elsewhere, float("inf")), dim=2).to(scores.device)


def starts(like: Tensor, random: bool) -> Tensor:
    """Return where the choice of each case starts, ``(B,)`` float32: uniform in [0, 1), or 0.5 unless ``random``."""
    batch = like.size(0)
    if random:
        return torch.rand((batch,), device=like.device, dtype=torch.float32)
    return torch.full((batch,), 0.5, device=like.device, dtype=torch.float32)


def with_missing_rows(places: Tensor, counts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``indices`` and ``kept`` ``(B, k)`` of a :class:`Selection`, of which each case keeps ``counts`` rows."""
    kept = slice_mask(counts, places.size(1))
    return torch.where(kept, places, lengths[:, None] - 1), kept
