"""Bootstrap samples of the runs of a results file, each made once, however many rows are compared with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.engine.results_file import Result, predictions, recalls_of
from benchmarks.statistics.trainings import over_trainings
from monai_das.metrics import case_weights, weighted_auc, weighted_mean
from monai_das.metrics.measures import Array


class Resampling:
    """``draws`` bootstrap samples of means over cases and trainings of some runs.

    All runs of a fold (the official split is one) share the draws of cases, of whole patients if cases have them, and
    equal numbers of trainings share theirs. Differences of two methods are therefore paired. A run is known by its
    ``job``.
    """

    def __init__(self, draws: int) -> None:
        self.draws = draws
        self.weights: dict[tuple[str, str, int], Array] = {}
        self.samples: dict[tuple[str, str], Array] = {}

    def auc(self, runs: Sequence[Result]) -> Array:
        """Return samples ``(draws,)`` of the mean AUC over trainings, and over folds where there are any."""
        return self.over_folds(runs, "auc", lambda line, weights: weighted_auc(*predictions(line), weights))

    def recall(self, runs: Sequence[Result]) -> Array | None:
        """Return the same of the mean recall; None where the telling slices are not known."""
        if any("recalls" not in line for line in runs):
            return None
        return self.over_folds(runs, "recall", lambda line, weights: weighted_mean(recalls_of(line), weights))

    def over_folds(self, runs: Sequence[Result], name: str, of_run: Callable[[Result, Array], Array]) -> Array:
        """Return the mean over folds of samples of the mean over trainings of what ``of_run`` makes of one."""
        folds: dict[int, list[Array]] = defaultdict(list)
        for line in by_seed(runs):
            key = (line["job"], name)
            if key not in self.samples:
                self.samples[key] = of_run(line, self.weights_of(line))
            folds[line["fold"] or 0].append(self.samples[key])
        total: Array = np.mean([over_trainings(each) for each in folds.values()], axis=0)
        return total

    def weights_of(self, line: Result) -> Array:
        """Return ``(draws, N)``, how often each case of the fold of ``line`` is in a sample."""
        fold, groups = line["fold"] or 0, line.get("groups")
        key = (line["labels"], repr(groups), fold)
        if key not in self.weights:
            self.weights[key] = case_weights(predictions(line)[1], self.draws, fold, groups)
        return self.weights[key]


def by_seed(runs: Sequence[Result]) -> list[Result]:
    """Return ``runs`` in the order of seed and fold."""
    return sorted(runs, key=lambda line: (line["seed"], line["fold"] or 0))
