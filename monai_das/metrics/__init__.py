"""Metrics that MONAI lacks: balanced accuracy, and what a sampler chose."""

from monai_das.metrics.balanced_accuracy import DASBalancedAccuracyMetric
from monai_das.metrics.selection import DASSelectionMetric, covered_share, distinct_share, empty_share
from monai_das.metrics.slice_agreement import SliceAgreement, slice_agreement

__all__ = [
    "DASBalancedAccuracyMetric",
    "DASSelectionMetric",
    "SliceAgreement",
    "covered_share",
    "distinct_share",
    "empty_share",
    "slice_agreement",
]
