"""Bootstrap samples of means over several trainings of a method."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_das.metrics import weighted_auc
from monai_das.metrics.measures import Array, Labels


def seed_weights(runs: int, draws: int, seed: int = 1) -> Array:
    """Return ``(draws, runs)``: the share of each training in a bootstrap sample of trainings; rows sum to 1."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(runs, np.full(runs, 1.0 / runs), size=draws) / runs


def bootstrap_auc(runs: Sequence[Array], labels: Labels, weights: Array) -> Array:
    """Return ``(draws,)`` mean AUCs of several trainings, over samples of cases and of trainings.

    ``weights`` gives the draws of cases, and the draws of trainings depend only on their number. Two methods with the
    same cases and seeds therefore share their draws, and differences are paired.
    """
    return over_trainings([weighted_auc(run, labels, weights) for run in runs])


def over_trainings(each: Sequence[Array]) -> Array:
    """Return ``(draws,)`` means over samples of trainings, of the ``(draws,)`` samples of each training."""
    samples: Array = (np.stack(each, axis=1) * seed_weights(len(each), len(each[0]))).sum(axis=1)
    return samples
