"""What the documentation claims, measured; nothing imports this room but the command line."""

from benchmarks.choice import run_choice
from benchmarks.collapse import run_collapse
from benchmarks.cost import run_cost
from benchmarks.interval import run_interval
from benchmarks.io import run_io
from benchmarks.needle import DASNeedleCNN, NeedleJob, NeedleRecipe
from benchmarks.needle_data import NeedleSet, needle_set
from benchmarks.needle_hard_data import DASEvidenceSet, hard_needle_set
from benchmarks.needle_table import run_needle
from benchmarks.policies import run_policies
from benchmarks.readers import ReadersRecipe
from benchmarks.readers_table import run_readers
from benchmarks.review_change import run_review_change
from benchmarks.sweep import grid_results, run_sweep
from benchmarks.tables import write_tables
from benchmarks.thumbnails import run_thumbnails

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
    "run_interval",
    "run_io",
    "run_needle",
    "run_policies",
    "run_readers",
    "run_review_change",
    "run_sweep",
    "run_thumbnails",
    "write_tables",
]
