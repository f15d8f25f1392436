"""Measures of predicted class probabilities, each for many weightings of the cases at once.

Letters: N cases, K classes, R rows of weights. A weight says how often a case counts: all 1 gives the plain measure,
and the rows of :func:`~monai_das.metrics.case_weights` give bootstrap samples of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

CALIBRATION_BINS = 15


def weighted_auc(probabilities: Array, labels: Labels, weights: Array) -> Array:
    """Return ``(R,)`` areas under the ROC curve; for more than two classes the mean of each class against the rest.

    Ties count half. A row that gives a class no weight is NaN.
    """
    classes = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas = [_one_against_rest(probabilities[:, each], labels == each, weights) for each in classes]
    means: Array = np.mean(areas, axis=0)
    return means


def _one_against_rest(scores: Array, positive: NDArray[np.bool_], weights: Array) -> Array:
    """Return ``(R,)``: the share of pairs (a positive and another case) whose positive has the higher score."""
    others = np.flatnonzero(~positive)
    others = others[np.argsort(scores[others])]
    totals = np.cumsum(np.pad(weights[:, others], ((0, 0), (1, 0))), axis=1)
    below = np.searchsorted(scores[others], scores[positive], "left")
    not_above = np.searchsorted(scores[others], scores[positive], "right")
    inside = weights[:, positive]
    won = (inside * (totals[:, below] + totals[:, not_above])).sum(axis=1) / 2.0
    with np.errstate(invalid="ignore"):
        shares: Array = won / (inside.sum(axis=1) * totals[:, -1])
    return shares


def answers(probabilities: Array, threshold: float | None = None) -> Labels:
    """Return the class ``(N,)`` of each row of ``(N, K)``: the most probable, or of two the second from a threshold on.

    Example:
        >>> table = np.array([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]])
        >>> answers(table).tolist(), answers(table, 0.3).tolist()
        ([0, 0, 1], [0, 1, 1])
    """
    second = probabilities[:, 1] >= threshold if threshold is not None else None
    chosen: Labels = (probabilities.argmax(axis=1) if second is None else second).astype(np.int64)
    return chosen


def weighted_balanced_accuracy(
    probabilities: Array, labels: Labels, weights: Array, threshold: float | None = None
) -> Array:
    """Return ``(R,)`` mean recalls of the :func:`answers` over the classes that have weight."""
    right = answers(probabilities, threshold) == labels
    members = labels[:, None] == np.unique(labels)
    with np.errstate(invalid="ignore"):
        recalls = (weights @ (members & right[:, None])) / (weights @ members)
    means: Array = np.nanmean(recalls, axis=1)
    return means


def weighted_accuracy(probabilities: Array, labels: Labels, weights: Array, threshold: float | None = None) -> Array:
    """Return ``(R,)`` shares of the cases whose answer (:func:`answers`) is the true class."""
    return weighted_mean((answers(probabilities, threshold) == labels).astype(np.float64), weights)


def weighted_calibration_error(probabilities: Array, labels: Labels, weights: Array) -> Array:
    """Return ``(R,)`` expected calibration errors: mean gap of confidence and accuracy over 15 equal bins.

    Confidence is the probability of the most probable class.

    References:
        Guo et al., *On calibration of modern neural networks*, ICML 2017.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    places = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = (confidence - right)[:, None] * (places[:, None] == np.arange(CALIBRATION_BINS))
    errors: Array = np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)
    return errors


def weighted_brier_score(probabilities: Array, labels: Labels, weights: Array) -> Array:
    """Return ``(R,)`` mean squared distances of the probabilities from the truth; for two classes, of one of them.

    References:
        Brier, *Verification of forecasts expressed in terms of probability*, Mon. Weather Rev. 78, 1950; agrees with
        ``sklearn.metrics.brier_score_loss``.
    """
    distance = (probabilities - (labels[:, None] == np.arange(probabilities.shape[1]))) ** 2
    return weighted_mean(distance.sum(axis=1) / (2.0 if probabilities.shape[1] == 2 else 1.0), weights)


def weighted_mean(values: Array, weights: Array) -> Array:
    """Return ``(R,)`` means of ``values`` ``(N,)``; a case whose value is NaN does not count."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        means: Array = weights[:, known] @ values[known] / weights[:, known].sum(axis=1)
    return means


MEASURES: dict[str, Callable[..., Array]] = {
    "auc": weighted_auc,
    "balanced_accuracy": weighted_balanced_accuracy,
    "accuracy": weighted_accuracy,
    "ece": weighted_calibration_error,
    "brier": weighted_brier_score,
}
# those of answers, not of probabilities: they take a threshold
DECIDED = ("balanced_accuracy", "accuracy")


def measures_at(threshold: float | None) -> dict[str, Callable[[Array, Labels, Array], Array]]:
    """Return the measures by name; those of answers decide at ``threshold``, see :func:`answers`."""
    return {
        name: partial(measure, threshold=threshold) if name in DECIDED else measure
        for name, measure in MEASURES.items()
    }


def classification_measures(probabilities: Array, labels: Labels, threshold: float | None = None) -> dict[str, float]:
    """Return AUC, balanced accuracy, accuracy, calibration error and Brier score of ``(N, K)`` probabilities.

    Args:
        probabilities: ``(N, K)``.
        labels: ``(N,)``.
        threshold: at which answers are given, see :func:`answers`. Choose it on other cases, for instance by
            :func:`~monai_das.metrics.best_threshold` on the validation part.

    Example:
        >>> found = classification_measures(np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]]), np.array([0, 0, 1]))
        >>> found["auc"], found["balanced_accuracy"]
        (1.0, 0.75)
    """
    once = np.ones((1, len(labels)))
    return {name: float(measure(probabilities, labels, once)[0]) for name, measure in measures_at(threshold).items()}


def auc(probabilities: Array, labels: Labels) -> float:
    """Return the area under the ROC curve of ``(N, K)`` probabilities, see :func:`weighted_auc`."""
    return float(weighted_auc(probabilities, labels, np.ones((1, len(labels))))[0])
