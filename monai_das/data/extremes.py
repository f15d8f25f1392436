"""Which slices hold the lowest and highest value of a study, where most slices are known about right alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from monai_das.data.source import LUMINANCE

# of the range of values: by so much it may be missed
TOLERANCE = 0.001
# standard deviations of the error of a drawing
DEVIATIONS = 3.0
MOST_FETCHED = 24


def with_exact_range(
    drawn: Tensor, step: float, known: dict[int, Tensor], exact: Callable[[int], Tensor], most: int = MOST_FETCHED
) -> Tensor:
    """Return ``drawn`` with exact thumbnails of the slices that hold its extremes, so that its range is exact.

    Drawings, or coarse wavelets, say where the extremes may be, never what they are: slices are fetched until no other
    is likely to reach beyond those that were, by the errors that are known of these; at most ``most``.
    Values of the others that reach beyond are cut off.

    Args:
        drawn: thumbnails of all slices ``(C, h, w, D)``, about right.
        step: between two greys of the drawings, in the units of the slices.
        known: exact thumbnails ``(C, h, w)`` of one or more slices; those that are fetched join them.
        exact: fetches one.
        most: so many are fetched at most.
    """
    estimate = _extremes(drawn)
    for _ in range(most):
        place = _likely_beyond(estimate, step, known)
        if place is None:
            break
        known[place] = exact(place)
    places = sorted(known)
    truth = torch.stack([known[place] for place in places], dim=-1)
    found = drawn.clamp(truth.amin(), truth.amax())
    found[..., places] = truth
    return found


def _extremes(thumbnails: Tensor) -> Tensor:
    """Return the highest values of each slice of ``(C, h, w, D)``, and the lowest negated: ``(bounds, D)``.

    Colour counts as it is and as luminance, as a network may see either.
    """
    planes = thumbnails.flatten(1, 2)
    if len(planes) == 3:
        planes = torch.cat([planes, (planes * torch.tensor(LUMINANCE)[:, None, None]).sum(dim=0, keepdim=True)])
    return torch.cat([planes.amax(dim=1), -planes.amin(dim=1)])


def _likely_beyond(estimate: Tensor, step: float, known: dict[int, Tensor]) -> int | None:
    """Return the slice that is the likeliest to reach beyond the ``known`` ones; None where none is likely to."""
    places = sorted(known)
    truth = torch.cat([_extremes(known[place][..., None]) for place in places], dim=1)
    errors = truth - estimate[:, places]
    top = truth.amax(dim=1, keepdim=True)
    half = len(top) // 2
    allowed = TOLERANCE * (top[:half] + top[half:]).clamp(min=1e-6).repeat(2, 1)
    reach = (DEVIATIONS * errors.std(dim=1, keepdim=True, correction=min(1, len(places) - 1))).clamp(min=step)
    # where slices share an extreme, as background does, it is a limit of the values
    shared = (truth > top - allowed / 10).sum(dim=1, keepdim=True) > 1
    beyond = estimate + errors.mean(dim=1, keepdim=True) + torch.where(shared, -reach, reach) - top - allowed
    beyond[:, places] = -torch.inf
    value, place = beyond.amax(dim=0).max(dim=0)
    return int(place) if float(value) > 0 else None
