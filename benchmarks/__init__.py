"""What the documentation claims, measured; nothing imports this room but the command line."""

from benchmarks.collapse import run_collapse
from benchmarks.needle import DASNeedleCNN, NeedleJob, NeedleRecipe
from benchmarks.readers import ReadersRecipe
from benchmarks.sets import DASEvidenceSet, NeedleSet, hard_needle_set, needle_set
from benchmarks.studies import (
    run_choice,
    run_cost,
    run_io,
    run_needle,
    run_policies,
    run_readers,
    run_review_change,
    run_thumbnails,
)
from benchmarks.sweep import grid_results, run_sweep
from benchmarks.tables import write_tables

__all__ = [
    "DASEvidenceSet",
    "DASNeedleCNN",
    "NeedleJob",
    "NeedleRecipe",
    "NeedleSet",
    "ReadersRecipe",
    "grid_results",
    "hard_needle_set",
    "needle_set",
    "run_choice",
    "run_collapse",
    "run_cost",
    "run_io",
    "run_needle",
    "run_policies",
    "run_readers",
    "run_review_change",
    "run_sweep",
    "run_thumbnails",
    "write_tables",
]
