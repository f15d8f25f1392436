"""Ignite handlers: the budget's schedule, seeds per epoch, metrics, and pictures of the selection for TensorBoard."""

from monai_das.handlers.budget_schedule import DASBudgetSchedule
from monai_das.handlers.epoch_seed import DASEpochSeed
from monai_das.handlers.hold_training_cases import DASHoldTrainingCases
from monai_das.handlers.keep_best import DASKeepBest
from monai_das.handlers.metrics import DASBalancedAccuracy, DASSelectionQuality
from monai_das.handlers.prepare_batch import DASPrepareBatch
from monai_das.handlers.prepare_reviewed import DASPrepareReviewed
from monai_das.handlers.selection_to_tensorboard import DASSelectionToTensorBoard
from monai_das.handlers.split_output import DASSplitOutput
from monai_das.handlers.weight_average import DASWeightAverage

__all__ = [
    "DASBalancedAccuracy",
    "DASBudgetSchedule",
    "DASEpochSeed",
    "DASHoldTrainingCases",
    "DASKeepBest",
    "DASPrepareBatch",
    "DASPrepareReviewed",
    "DASSelectionQuality",
    "DASSelectionToTensorBoard",
    "DASSplitOutput",
    "DASWeightAverage",
]
