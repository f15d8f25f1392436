"""What samplers add to the task loss."""

from monai_das.losses.policy_loss import DASPolicyInferer, DASPolicyLoss
from monai_das.losses.reader_loss import DASReaderLoss
from monai_das.losses.selection_loss import DASLoss

__all__ = ["DASLoss", "DASPolicyInferer", "DASPolicyLoss", "DASReaderLoss"]
