"""What samplers add to the task loss."""

from monai_das.losses.selection_loss import DASLoss

__all__ = ["DASLoss"]
