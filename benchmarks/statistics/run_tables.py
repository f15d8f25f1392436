"""The test cases of one training, predicted in several ways, and intervals of the differences between these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import mean
from typing import NamedTuple

import numpy as np

from benchmarks.statistics.trainings import bootstrap_auc
from monai_das.metrics import auc, case_weights
from monai_das.metrics.measures import Array, Labels


class RunTables(NamedTuple):
    """What was predicted.

    Attributes:
        tables: probabilities ``(N, K)``, by the name of the way.
        labels: ``(N,)``.
        seed, fold: of the training.
        groups: number of the patient of each case, where a patient has several.
    """

    tables: dict[str, Array]
    labels: Labels
    seed: int
    fold: int = 0
    groups: list[int] | None = None


def mean_auc(runs: Sequence[RunTables], name: str) -> float:
    """Return the AUC by the way ``name``, the mean over trainings and folds."""
    return mean(auc(run.tables[name], run.labels) for run in runs)


def auc_samples(runs: Sequence[RunTables], name: str, draws: int) -> Array:
    """Return bootstrap samples ``(draws,)`` of that mean, over cases and trainings.

    Two ways of the same runs share their draws, so their differences are paired.
    """
    folds: dict[int, list[RunTables]] = defaultdict(list)
    for run in runs:
        folds[run.fold].append(run)
    drawn = {fold: case_weights(each[0].labels, draws, fold, each[0].groups) for fold, each in folds.items()}
    samples: Array = np.mean(
        [
            bootstrap_auc([run.tables[name] for run in each], each[0].labels, drawn[fold])
            for fold, each in folds.items()
        ],
        axis=0,
    )
    return samples
