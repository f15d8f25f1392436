"""Ignite handlers: the budget's schedule, seeds per epoch, metrics, and pictures of the selection for TensorBoard."""

from monai_das.handlers.budget_schedule import DASBudgetSchedule
from monai_das.handlers.epoch_seed import DASEpochSeed
from monai_das.handlers.metrics import DASBalancedAccuracy, DASSelectionQuality
from monai_das.handlers.prepare_reviewed import DASPrepareReviewed
from monai_das.handlers.selection_to_tensorboard import DASSelectionToTensorBoard

__all__ = [
    "DASBalancedAccuracy",
    "DASBudgetSchedule",
    "DASEpochSeed",
    "DASPrepareReviewed",
    "DASSelectionQuality",
    "DASSelectionToTensorBoard",
]
