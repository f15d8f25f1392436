"""Tests of differences, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_das.metrics.measures import Array


def two_sided_p(differences: Array) -> float:
    """Return the bootstrap's two-sided p-value of no difference: twice the share of samples beyond zero."""
    finite = differences[np.isfinite(differences)]
    beyond = min(int((finite <= 0).sum()), int((finite >= 0).sum()))
    return min(1.0, 2.0 * (beyond + 1) / (len(finite) + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in the same order.

    References:
        Holm, *A simple sequentially rejective multiple test procedure*, Scand. J. Statistics 6, 1979.
    """
    order = np.argsort(p_values, kind="stable")
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[int(index)] = largest
    return corrected
