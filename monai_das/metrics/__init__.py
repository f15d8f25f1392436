"""Metrics that MONAI lacks: balanced accuracy, and what a sampler chose."""

from monai_das.metrics.balanced_accuracy import DASBalancedAccuracyMetric
from monai_das.metrics.selection import DASSelectionMetric, covered_share, distinct_share, empty_share

__all__ = ["DASBalancedAccuracyMetric", "DASSelectionMetric", "covered_share", "distinct_share", "empty_share"]
