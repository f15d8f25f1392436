import pytest
import torch

from monai_das.networks import DASMeanAggregation, DASSliceClassifier
from monai_das.samplers import DASTopVarianceSampler


@pytest.fixture
def network():
    """A small network that takes the three slices of highest variance."""
    backbone = torch.nn.Conv2d(1, 4, 3)
    return DASSliceClassifier(
        DASTopVarianceSampler(num_slices=3), backbone, 2, DASMeanAggregation(), num_features=4, thumbnail_size=16
    ).eval()


@pytest.fixture
def volumes():
    """Two cases of eight slices, of which 4 to 7 have a texture that grows."""
    volumes = torch.zeros(2, 1, 16, 16, 8)
    volumes[..., 4:] = torch.rand(2, 1, 16, 16, 4) * torch.arange(1.0, 5.0)
    return volumes
