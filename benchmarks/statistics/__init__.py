"""How sure a difference is: bootstrap samples over cases and trainings, and tests corrected for their number."""

from benchmarks.statistics.resampling import Resampling, by_seed
from benchmarks.statistics.run_tables import RunTables, auc_samples, mean_auc
from benchmarks.statistics.significance import holm, two_sided_p
from benchmarks.statistics.trainings import bootstrap_auc, over_trainings, seed_weights

__all__ = [
    "Resampling",
    "RunTables",
    "auc_samples",
    "bootstrap_auc",
    "by_seed",
    "holm",
    "mean_auc",
    "over_trainings",
    "seed_weights",
    "two_sided_p",
]
