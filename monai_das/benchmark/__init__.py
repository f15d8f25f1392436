"""What the documentation claims, measured; nothing imports this room but the command line."""

from monai_das.benchmark.choice import run_choice
from monai_das.benchmark.collapse import run_collapse
from monai_das.benchmark.cost import run_cost
from monai_das.benchmark.interval import run_interval
from monai_das.benchmark.io import run_io
from monai_das.benchmark.needle import DASNeedleCNN, NeedleJob, NeedleRecipe
from monai_das.benchmark.needle_data import NeedleSet, needle_set
from monai_das.benchmark.needle_hard_data import DASEvidenceSet, hard_needle_set
from monai_das.benchmark.needle_table import run_needle
from monai_das.benchmark.policies import run_policies
from monai_das.benchmark.readers import ReadersRecipe
from monai_das.benchmark.readers_table import run_readers
from monai_das.benchmark.review_change import run_review_change
from monai_das.benchmark.sweep import grid_results, run_sweep
from monai_das.benchmark.tables import write_tables
from monai_das.benchmark.thumbnails import run_thumbnails

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
