"""From probabilities to an answer: the most probable class, or of two the second from a threshold on."""

from __future__ import annotations

import numpy as np

from monai_das.metrics.measures import Array, Labels, answers, weighted_balanced_accuracy

# of a threshold; more would say nothing, as probabilities are float32
DIGITS = 4


def best_threshold(probabilities: Array, labels: Labels) -> float | None:
    """Return the threshold on the second of two classes whose balanced accuracy is best; choose it on validation only.

    It lies in the middle between two neighbouring probabilities. Of several that are equally good, the one nearest to
    0.5 is taken. It is rounded to four significant digits where that changes no answer.

    Args:
        probabilities: ``(N, 2)``.
        labels: ``(N,)``.

    Returns:
        A number between 0 and 1; None where there are not two classes, or one of them has no case.

    References:
        Youden, *Index for rating diagnostic tests*, Cancer 3, 1950: the best balanced accuracy is the best index.

    Example:
        >>> best_threshold(np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]]), np.array([0, 0, 1, 1]))
        0.3
    """
    if probabilities.shape[1] != 2 or len(np.unique(labels)) < 2:
        return None
    scores = np.unique(probabilities[:, 1])
    cuts = (scores[:-1] + scores[1:]) / 2.0
    if not len(cuts):
        return None
    once = np.ones((1, len(labels)))
    found = [float(weighted_balanced_accuracy(probabilities, labels, once, cut)[0]) for cut in cuts]
    best = min((cut for cut, value in zip(cuts, found, strict=True) if value == max(found)), key=_from_half)
    short = float(f"{best:.{DIGITS}g}")
    same = bool((answers(probabilities, short) == answers(probabilities, best)).all())
    return short if same else float(best)


def _from_half(cut: float) -> float:
    return abs(cut - 0.5)
