"""Measures of predictions, their intervals over cases and seeds, and tests that know how often they were asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


def measures(probabilities: Array, labels: Labels) -> dict[str, float]:
    """Return AUC, balanced and plain accuracy and the calibration error of ``(N, K)`` probabilities."""
    return {
        "auc": float(weighted_auc(probabilities, labels, np.ones((1, len(labels))))[0]),
        "balanced_accuracy": balanced_accuracy_of(probabilities, labels),
        "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        "ece": calibration_error(probabilities, labels),
    }


def balanced_accuracy_of(probabilities: Array, labels: Labels) -> float:
    """Return the mean recall over the classes that occur."""
    right = probabilities.argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def calibration_error(probabilities: Array, labels: Labels, bins: int = 15) -> float:
    """Return the expected calibration error: mean gap of confidence and accuracy over equal bins of confidence.

    References:
        Guo et al., *On calibration of modern neural networks*, ICML 2017.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(float(confidence[place == b].sum()) - float(right[place == b].sum())) for b in np.unique(place)]
    return sum(gaps) / len(labels)


def weighted_auc(probabilities: Array, labels: Labels, weights: Array) -> Array:
    """Return ``(R,)`` AUCs, one per row of case ``weights`` ``(R, N)``; more than two classes: mean of one against all.

    Ties count half. A class without weight leaves NaN.
    """
    classes = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    total = np.zeros(len(weights))
    for label in classes:
        score, positive = probabilities[:, label], labels == label
        wins = np.sign(score[positive][:, None] - score[~positive][None, :]) / 2.0 + 0.5
        inside, outside = weights[:, positive], weights[:, ~positive]
        with np.errstate(invalid="ignore"):
            total += ((inside @ wins) * outside).sum(axis=1) / (inside.sum(axis=1) * outside.sum(axis=1))
    return total / len(classes)


def case_weights(labels: Labels, draws: int, seed: int = 0, groups: Sequence[int] | None = None) -> Array:
    """Return ``(draws, N)``: how often each case is in a bootstrap sample.

    Cases are drawn within their class, so that every sample has the same numbers of each; with ``groups`` (patients)
    whole groups are drawn, from all of them.
    """
    generator = np.random.default_rng(seed)
    weights = np.zeros((draws, len(labels)))
    if groups is not None:
        _, member = np.unique(np.asarray(groups), return_inverse=True)
        count = int(member.max()) + 1
        return generator.multinomial(count, np.full(count, 1.0 / count), size=draws)[:, member].astype(np.float64)
    for label in np.unique(labels):
        inside = np.flatnonzero(labels == label)
        share = np.full(len(inside), 1.0 / len(inside))
        weights[:, inside] = generator.multinomial(len(inside), share, size=draws)
    return weights


def seed_weights(runs: int, draws: int, seed: int = 1) -> Array:
    """Return ``(draws, runs)``: the share of each training in a bootstrap sample of trainings; rows sum to 1."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(runs, np.full(runs, 1.0 / runs), size=draws) / runs


def bootstrap_auc(runs: Sequence[Array], labels: Labels, weights: Array) -> Array:
    """Return ``(draws,)`` mean AUCs of several trainings, over samples of cases and of trainings.

    The draws of cases are those of ``weights``, and those of trainings depend on their number only, so that two
    methods with the same cases and seeds are resampled alike: differences are paired.
    """
    return over_trainings([weighted_auc(run, labels, weights) for run in runs])


def over_trainings(each: Sequence[Array]) -> Array:
    """Return ``(draws,)`` means over samples of trainings, of the ``(draws,)`` samples of each training."""
    samples: Array = (np.stack(each, axis=1) * seed_weights(len(each), len(each[0]))).sum(axis=1)
    return samples


def interval_of(samples: Array) -> tuple[float, float]:
    """Return the 95 % percentile interval of bootstrap ``samples``."""
    low, high = np.quantile(samples[np.isfinite(samples)], [0.025, 0.975])
    return float(low), float(high)


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
