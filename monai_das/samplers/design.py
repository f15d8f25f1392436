"""A sampling design: the probability with which each slice is included, and the choice of exactly k slices by it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from monai_das.samplers.selection import lowest, slice_mask


def unit() -> int:
    """Return how many units the probability 1 has: sums of whole units are exact (a function, as TorchScript needs)."""
    return 4_294_967_296


def accurate(values: Tensor) -> Tensor:
    """Return ``values`` in float64, on the CPU where their device has none (Apple's)."""
    if values.device.type == "mps":
        return values.cpu().double()
    return values.double()


def inclusion_probabilities(logits: Tensor, counts: Tensor, eligible: Tensor) -> Tensor:
    """Return the probabilities ``min(1, c * exp(logit))`` of the eligible slices, which sum to ``counts``.

    With the weights ``w = exp(logit)`` in ascending order, c is the largest of ``(counts - m) / (sum of all but the m
    largest w)``, m below ``counts``: ``min(1, c w)`` is at most 1 for the m largest and at most ``c w`` for the others,
    so no c that fits is smaller than any of these, and one of them fits.

    Args:
        logits: ``(B, D)``, of the slices.
        counts: ``(B,)`` int64, how many slices each case takes, at most as many as are eligible.
        eligible: ``(B, D)`` bool.

    Returns:
        ``(B, D)`` float64, without a gradient; 0 for slices that are not eligible.

    Example:
        >>> everything = torch.ones(1, 4, dtype=torch.bool)
        >>> inclusion_probabilities(torch.tensor([[0.0, 0.0, 0.0, 9.0]]), torch.tensor([2]), everything)[0, 3].item()
        1.0
    """
    chosen = eligible.to(accurate(logits).device)
    warm = accurate(logits.detach()).masked_fill(~chosen, lowest())
    wanted = counts.to(warm.device)[:, None]
    depth = logits.size(1)
    order = torch.sort(warm, dim=1).values
    # from the k-th highest: what is far above it is sure, what is far below it is never taken
    middle = torch.gather(order, 1, (depth - wanted).clamp(max=depth - 1))
    weights = torch.exp((warm - middle).clamp(-300.0, 300.0)) * chosen
    larger = depth - 1 - torch.arange(depth, device=warm.device)[None, :]
    rising = torch.exp((order - middle).clamp(-300.0, 300.0)) * (larger < chosen.sum(dim=1, keepdim=True))
    rest = torch.cumsum(rising, dim=1)
    steps = torch.where((larger < wanted) & (rest > 0.0), (wanted - larger) / (rest + (rest == 0.0)), 0.0)
    return (steps.amax(dim=1, keepdim=True) * weights).clamp(max=1.0)


def slice_probabilities(logits: Tensor, counts: Tensor, eligible: Tensor, real: Tensor) -> Tensor:
    """Return ``(B, D)`` float64: :func:`inclusion_probabilities` of the eligible slices.

    Only where a case takes more slices than are eligible do other ``real`` slices ``(B, D)`` get a share, all the same.
    """
    first = torch.minimum(counts, (eligible & real).sum(dim=1))
    sure = inclusion_probabilities(logits, first, eligible & real)
    return sure + inclusion_probabilities(torch.zeros_like(logits), counts - first, real & ~eligible)


def cumulated(inclusion: Tensor) -> tuple[Tensor, Tensor]:
    """Return where each slice ends on the axis of cumulated probability, and its width, ``(B, D)`` int64 in units.

    No slice is wider than the probability 1, whatever is rounded: no two marks at a distance of 1 meet one slice.
    """
    ends = torch.round(torch.cumsum(inclusion, dim=1) * float(unit())).long()
    widths = (ends - functional.pad(ends, (1, 0))[:, : ends.size(1)]).clamp(0, unit())
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
    marks = first_mark(start, ends.device) + unit() * torch.arange(rows, device=ends.device)[None, :]
    return (ends[:, None, :] <= marks[:, :, None]).sum(dim=2).to(start.device)


def stratified(inclusion: Tensor, scores: Tensor, rows: int, start: Tensor) -> Tensor:
    """Return the slice of the highest score in each of k consecutive parts of equal cumulated probability.

    Equal scores give the slice nearest the middle of the part. The best slice of all is always chosen. The middles of
    neighbouring slices are at most 1 apart, so every part has a slice. ``start`` moves the borders between the parts;
    at 0.5 they are of equal mass.

    Args:
        inclusion, rows, start: as for :func:`systematic`.
        scores: ``(B, D)``, float.

    Returns:
        ``(B, k)`` int64, ascending, and distinct up to the sum of the case; rows beyond it hold D.

    Example:
        >>> scores = torch.tensor([[0.0, 0.0, 0.0, 9.0, 0.0, 0.0]])
        >>> stratified(torch.full((1, 6), 1 / 3), scores, 2, torch.tensor([0.5])).tolist()
        [[1, 3]]
    """
    ends, widths = cumulated(inclusion)
    last = torch.round(inclusion.sum(dim=1, keepdim=True)).long() - 1
    # twice the middle, moved by the start, and by one part to stay above zero
    middles = 2 * ends - widths + unit() - 2 * first_mark(start, ends.device)
    part = torch.minimum(((middles + 2 * unit()) // (2 * unit()) - 1).clamp(min=0), last)
    numbers = torch.arange(rows, device=ends.device)[None, :, None]
    inside = (part[:, None, :] == numbers) & (widths > 0)[:, None, :]
    marks = scores.detach().to(ends.device)[:, None, :].masked_fill(~inside, float("-inf"))
    best = inside & (marks == marks.amax(dim=2, keepdim=True))
    away = middles[:, None, :] - (2 * numbers + 1) * unit()
    # of two slices at one distance the later, also if rounding parts the distances by a few units
    nearness = (away.abs() - 64 * (away > 0)).double().masked_fill(~best, float("inf"))
    places = torch.argmin(nearness, dim=2)
    return torch.where(numbers[:, :, 0] <= last, places, scores.size(1)).to(start.device)


def first_mark(start: Tensor, device: torch.device) -> Tensor:
    """Return ``start`` ``(B,)`` as whole units ``(B, 1)`` int64."""
    return (accurate(start) * float(unit())).long().to(device)[:, None]


def starts(like: Tensor, random: bool) -> Tensor:
    """Return where the choice of each case starts, ``(B,)`` float32: uniform in [0, 1), or 0.5 unless ``random``."""
    batch = like.size(0)
    if random:
        return torch.rand((batch,), device=like.device, dtype=torch.float32)
    return torch.full((batch,), 0.5, device=like.device, dtype=torch.float32)


def whole_cases(share: float, like: Tensor) -> Tensor:
    """Return ``(B,)`` bool, true for about ``share`` of the cases: systematic sampling from a random start.

    Each case has the chance ``share``, and a batch as many as it may have, rounded up or down.
    """
    passed = torch.floor(share * torch.arange(like.size(0) + 1, device=like.device) + starts(like[:1], True))
    return passed[1:] > passed[:-1]


def with_missing_rows(places: Tensor, counts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``indices`` and ``kept`` ``(B, k)`` of a :class:`Selection`, of which each case keeps ``counts`` rows."""
    kept = slice_mask(counts, places.size(1))
    return torch.where(kept, places, lengths[:, None] - 1), kept
