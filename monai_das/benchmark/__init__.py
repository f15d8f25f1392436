"""What the documentation claims, measured; nothing imports this room but the command line."""

from monai_das.benchmark.cost import cost
from monai_das.benchmark.needle import NeedleJob, NeedleRecipe
from monai_das.benchmark.needle_data import NeedleSet, needle_set
from monai_das.benchmark.needle_table import needle

__all__ = ["NeedleJob", "NeedleRecipe", "NeedleSet", "cost", "needle", "needle_set"]
