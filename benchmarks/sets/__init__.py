"""The sets of the experiments: made-up volumes whose telling slices are known, and real ones as tensors."""

from benchmarks.sets.hippocampus import CORONAL_DEPTH, hippocampus_tensors
from benchmarks.sets.needle import NeedleSet, needle_set
from benchmarks.sets.needle_hard import DASEvidenceSet, hard_needle_set
from benchmarks.sets.planted import backgrounds, planted_set, real_backgrounds

__all__ = [
    "CORONAL_DEPTH",
    "DASEvidenceSet",
    "NeedleSet",
    "backgrounds",
    "hard_needle_set",
    "hippocampus_tensors",
    "needle_set",
    "planted_set",
    "real_backgrounds",
]
