"""Small networks that the tests of this folder share."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from monai_das.networks import (
    DASAttentionAggregation,
    DASGatedAggregation,
    DASMobileNetV3Small,
    DASNetwork,
    DASSliceClassifier,
    DASVolumeClassifier,
)
from monai_das.samplers import DASTopVarianceSampler, Selection
from monai_das.samplers.selection import new_selection

MakeSelection = Callable[..., Selection]


@pytest.fixture
def make_selection() -> MakeSelection:
    def make(scores: Tensor, indices: list[list[int]], kept: list[list[bool]]) -> Selection:
        rows = torch.tensor(indices)
        real = torch.tensor(kept)
        weights = nn.functional.one_hot(rows, scores.size(1)).float() * real[:, :, None]
        return new_selection(weights, rows, real, scores)

    return make


def slice_network() -> DASSliceClassifier:
    backbone = DASMobileNetV3Small(in_channels=1)
    aggregation = DASGatedAggregation(DASAttentionAggregation(backbone.num_features))
    return DASSliceClassifier(DASTopVarianceSampler(num_slices=4), backbone, 3, aggregation, thumbnail_size=16)


def flipping_network() -> DASSliceClassifier:
    backbone = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU())
    sampler, aggregation = DASTopVarianceSampler(num_slices=4), DASAttentionAggregation(8)
    return DASSliceClassifier(sampler, backbone, 3, aggregation, 8, thumbnail_size=16, average_flips=True)


def volume_network() -> DASVolumeClassifier:
    backbone = nn.Sequential(
        nn.Conv3d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 3)
    )
    return DASVolumeClassifier(DASTopVarianceSampler(num_slices=4), backbone, thumbnail_size=16)


@pytest.fixture(params=[slice_network, flipping_network, volume_network], ids=["slice", "flips", "volume"])
def network(request: pytest.FixtureRequest) -> DASNetwork:
    made: DASNetwork = request.param()
    return made.eval()
