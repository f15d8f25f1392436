"""What the documentation claims, measured; nothing imports this room but the command line."""

from monai_das.benchmark.collapse import run_collapse
from monai_das.benchmark.cost import run_cost
from monai_das.benchmark.interval import run_interval
from monai_das.benchmark.needle import NeedleJob, NeedleRecipe
from monai_das.benchmark.needle_data import NeedleSet, needle_set
from monai_das.benchmark.needle_table import run_needle

__all__ = [
    "NeedleJob",
    "NeedleRecipe",
    "NeedleSet",
    "needle_set",
    "run_collapse",
    "run_cost",
    "run_interval",
    "run_needle",
]
