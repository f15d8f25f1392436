"""Metrics that MONAI lacks: balanced accuracy, intervals by patient, calibration of classes, what a sampler chose."""

from monai_das.metrics.balanced_accuracy import DASBalancedAccuracyMetric
from monai_das.metrics.bootstrap import (
    MeasureEstimate,
    bootstrap_mean,
    bootstrap_measures,
    case_weights,
    interval_of,
)
from monai_das.metrics.evaluation import (
    DASEvaluation,
    estimate_figures,
    estimate_row,
    evaluate_predictions,
    figure_rows,
)
from monai_das.metrics.measures import answers, auc, classification_measures, weighted_auc, weighted_mean
from monai_das.metrics.predictions import CasePredictions, group_numbers, read_predictions
from monai_das.metrics.selection import DASSelectionMetric, covered_share, distinct_share, empty_share
from monai_das.metrics.slice_agreement import SliceAgreement, slice_agreement
from monai_das.metrics.threshold import best_threshold

__all__ = [
    "CasePredictions",
    "DASBalancedAccuracyMetric",
    "DASEvaluation",
    "DASSelectionMetric",
    "MeasureEstimate",
    "SliceAgreement",
    "answers",
    "auc",
    "best_threshold",
    "bootstrap_mean",
    "bootstrap_measures",
    "case_weights",
    "classification_measures",
    "covered_share",
    "distinct_share",
    "empty_share",
    "estimate_figures",
    "estimate_row",
    "evaluate_predictions",
    "figure_rows",
    "group_numbers",
    "interval_of",
    "read_predictions",
    "slice_agreement",
    "weighted_auc",
    "weighted_mean",
]
