"""Measures of a choice: the share of empty slices, of distinct slices, and of covered informative slices.

Letters: B batch, C channels, H rows, W columns, D slices, k slices chosen. ``chosen`` ``(B, k)`` holds slice indices;
-1 marks a row that keeps no slice, which happens when a case has fewer than k slices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.metrics.metric import CumulativeIterationMetric
from torch import Tensor


def empty_share(volume: Tensor, chosen: Tensor, tolerance: float = 0.0) -> Tensor:
    """Return ``(B,)`` the share of the chosen slices that are constant; near 1 the sampler has collapsed.

    ``tolerance`` is the largest difference within a slice, in units of intensity, at which it still counts as constant.
    """
    kept = chosen >= 0
    empty = empty_slices(volume, tolerance).gather(1, chosen.clamp(min=0)) & kept
    return empty.sum(dim=1) / kept.sum(dim=1).clamp(min=1)


def distinct_share(volume: Tensor, chosen: Tensor, tolerance: float = 0.0) -> Tensor:
    """Return ``(B,)`` the share of different slices among the chosen ones; 1 without repeats."""
    times = times_chosen(volume, chosen)
    return (times > 0).sum(dim=1) / times.sum(dim=1).clamp(min=1)


def covered_share(volume: Tensor, chosen: Tensor, tolerance: float = 0.0) -> Tensor:
    """Return ``(B,)`` the share of the non-constant slices that were chosen; 1 if all slices are constant."""
    informative = ~empty_slices(volume, tolerance)
    hits = ((times_chosen(volume, chosen) > 0) & informative).sum(dim=1)
    total = informative.sum(dim=1)
    return torch.where(total > 0, hits / total.clamp(min=1), torch.ones_like(hits, dtype=torch.float32))


def empty_slices(volume: Tensor, tolerance: float) -> Tensor:
    """Return ``(B, D)`` bool, true where a slice of ``volume`` ``(B, C, H, W, D)`` is constant in every channel."""
    ranges = volume.amax(dim=(2, 3)) - volume.amin(dim=(2, 3))
    return (ranges <= tolerance).all(dim=1)


def times_chosen(volume: Tensor, chosen: Tensor) -> Tensor:
    """Return ``(B, D)`` int64, how often each slice was chosen."""
    times = torch.zeros(volume.size(0), volume.size(4), dtype=torch.int64, device=chosen.device)
    return times.scatter_add_(1, chosen.clamp(min=0), (chosen >= 0).long())


MEASURES: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "empty": empty_share,
    "distinct": distinct_share,
    "covered": covered_share,
}


class DASSelectionMetric(CumulativeIterationMetric):
    """Mean over the cases of one measure of a selection, as one of MONAI's cumulative metrics.

    Args:
        measure: ``"empty"``, ``"distinct"`` or ``"covered"``: :func:`empty_share`, :func:`distinct_share`,
            :func:`covered_share`.
        tolerance: the largest difference within a slice, in units of intensity, at which it counts as empty.

    Shape:
        - ``y_pred``: volumes ``(B, C, H, W, D)``; ``y``: ``(B, k)`` int64, the indices chosen, -1 for none.
        - ``aggregate`` returns a scalar tensor in [0, 1].

    Raises:
        ValueError: the measure is unknown, shapes do not fit, or ``aggregate`` comes before any case.

    Example:
        >>> metric = DASSelectionMetric("empty")
        >>> _ = metric(torch.zeros(1, 1, 8, 8, 4), torch.tensor([[0, 2]]))
        >>> metric.aggregate()
        tensor(1.)
    """

    def __init__(self, measure: str = "empty", tolerance: float = 0.0) -> None:
        super().__init__()
        if measure not in MEASURES:
            raise ValueError(f"measure must be one of {sorted(MEASURES)}, got {measure!r}")
        self.measure = MEASURES[measure]
        self.tolerance = tolerance

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None) -> Tensor:  # type: ignore[override]
        if y is None or y_pred.dim() != 5 or y.dim() != 2:
            got = f"{tuple(y_pred.shape)} and {None if y is None else tuple(y.shape)}"
            raise ValueError(f"selection metrics take a volume (B, C, H, W, D) and indices (B, k), got {got}")
        return self.measure(y_pred, y, self.tolerance)

    def aggregate(self) -> Tensor:
        """Return the mean over all cases seen since ``reset``, a scalar tensor."""
        buffer: Any = self.get_buffer()  # type: ignore[no-untyped-call]
        if buffer is None:
            raise ValueError("no case was seen; call metric(volume, chosen) before aggregate()")
        return torch.as_tensor(buffer).mean()
