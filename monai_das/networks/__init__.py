"""WHAT is computed on the kept slices."""

from monai_das.networks.aggregation import (
    DASAggregation,
    DASAttentionAggregation,
    DASGatedAggregation,
    DASMaxAggregation,
    DASMeanAggregation,
)
from monai_das.networks.base import DASNetwork
from monai_das.networks.design_aggregation import DASDesignAggregation
from monai_das.networks.efficientnet_lite import DASEfficientNetLite0
from monai_das.networks.mobilenet import DASMobileNetV3Small
from monai_das.networks.output import DASOutput, DASPolicyOutput
from monai_das.networks.slice_cam import SliceCAM, slice_cam
from monai_das.networks.slice_classifier import DASSliceClassifier
from monai_das.networks.taught_head import DASTaughtHead
from monai_das.networks.volume_classifier import DASVolumeClassifier
from monai_das.transforms.thumbnails import make_thumbnails

__all__ = [
    "DASAggregation",
    "DASAttentionAggregation",
    "DASDesignAggregation",
    "DASEfficientNetLite0",
    "DASGatedAggregation",
    "DASMaxAggregation",
    "DASMeanAggregation",
    "DASMobileNetV3Small",
    "DASNetwork",
    "DASOutput",
    "DASPolicyOutput",
    "DASSliceClassifier",
    "DASTaughtHead",
    "DASVolumeClassifier",
    "SliceCAM",
    "make_thumbnails",
    "slice_cam",
]
