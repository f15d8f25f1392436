"""The measurements behind the documentation: sets, grids, sweeps, statistics and tables; monai_das imports none."""

from benchmarks.engine.folds import fold_parts
from benchmarks.sets.lgg import lgg_brain_cases, lgg_set_cases, truth_of_some
from benchmarks.sets.made_up_cases import evidence_cases, hippocampus_cases, mask_cases, no_split
from benchmarks.sets.needle_network import DASNeedleCNN

__all__ = [
    "DASNeedleCNN",
    "evidence_cases",
    "fold_parts",
    "hippocampus_cases",
    "lgg_brain_cases",
    "lgg_set_cases",
    "mask_cases",
    "no_split",
    "truth_of_some",
]
