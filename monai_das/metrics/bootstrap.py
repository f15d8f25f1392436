"""The bootstrap over cases or patients, which tells how sure a measure is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from monai_das.metrics.measures import Array, Labels, classification_measures, measures_at, weighted_mean

DRAWS = 2000
# numbers of one block of weights: 160 MB, however many cases there are
BLOCK = 20_000_000


class MeasureEstimate(NamedTuple):
    """A measure and its 95 % interval, ``low`` to ``high``; NaN if the cases do not determine it.

    Where every bootstrap sample has one value, as those of a few cases that are all right or all wrong, the bootstrap
    knows no interval: an interval without a width would say that nothing is unsure.
    """

    value: float
    low: float
    high: float


def case_weights(
    labels: Labels, draws: int, seed: int | np.random.Generator = 0, groups: Sequence[int] | None = None
) -> Array:
    """Return ``(draws, N)``: how often each bootstrap sample holds each case.

    Cases are drawn within their class, so every sample has the same number of each class. ``groups`` gives each case a
    number, for example of its patient; whole groups are then drawn from all groups.

    Example:
        >>> case_weights(np.array([0, 0, 1]), draws=4).sum(axis=1).tolist()
        [3.0, 3.0, 3.0, 3.0]
    """
    generator = np.random.default_rng(seed)
    if groups is not None:
        _, member = np.unique(np.asarray(groups), return_inverse=True)
        count = int(member.max()) + 1
        return generator.multinomial(count, np.full(count, 1.0 / count), size=draws)[:, member].astype(np.float64)
    weights = np.zeros((draws, len(labels)))
    for label in np.unique(labels):
        inside = np.flatnonzero(labels == label)
        weights[:, inside] = generator.multinomial(len(inside), np.full(len(inside), 1.0 / len(inside)), size=draws)
    return weights


def interval_of(samples: Array) -> tuple[float, float]:
    """Return the 95 % percentile interval of bootstrap ``samples``; NaN samples do not count."""
    finite = samples[np.isfinite(samples)]
    if not len(finite):
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [0.025, 0.975])
    return float(low), float(high)


def bootstrap_measures(
    probabilities: Array,
    labels: Labels,
    groups: Sequence[int] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    threshold: float | None = None,
) -> dict[str, MeasureEstimate]:
    """Return the measures of :func:`classification_measures`, each with its 95 % interval.

    Args:
        probabilities: ``(N, K)``, K classes.
        labels: ``(N,)``.
        groups: see :func:`case_weights`.
        draws: bootstrap samples.
        seed: equal seeds give equal intervals.
        threshold: see :func:`classification_measures`.
    """
    generator = np.random.default_rng(seed)
    measures = measures_at(threshold)
    samples: dict[str, list[Array]] = {name: [] for name in measures}
    rows = max(1, min(draws, BLOCK // len(labels)))
    for start in range(0, draws, rows):
        weights = case_weights(labels, min(rows, draws - start), generator, groups)
        for name, measure in measures.items():
            samples[name].append(measure(probabilities, labels, weights))
    plain = classification_measures(probabilities, labels, threshold)
    return {name: _estimate(plain[name], np.concatenate(each)) for name, each in samples.items()}


def bootstrap_mean(
    values: Array, labels: Labels, groups: Sequence[int] | None = None, draws: int = DRAWS, seed: int = 0
) -> MeasureEstimate:
    """Return the mean of ``values`` ``(N,)`` with its 95 % interval; a case whose value is NaN does not count."""
    (plain,) = weighted_mean(values, np.ones((1, len(values))))
    samples = weighted_mean(values, case_weights(labels, draws, seed, groups))
    return _estimate(float(plain), samples)


def _estimate(value: float, samples: Array) -> MeasureEstimate:
    low, high = interval_of(samples)
    return MeasureEstimate(value, low, high) if low < high else MeasureEstimate(value, float("nan"), float("nan"))
