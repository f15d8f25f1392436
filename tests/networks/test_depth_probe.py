"""A 3-D backbone that cannot take k slices says so at construction."""

import pytest
import torch
from monai.networks.nets import DenseNet121, resnet10
from torch import nn

from monai_das.networks import DASMobileNetV3Small, DASVolumeClassifier
from monai_das.samplers import DASUniformSampler


def test_densenet_says_how_many_slices_it_takes():
    blocks = (1, 1, 1, 1)  # it is as deep as it is; its pooling layers are those of DenseNet121
    backbone = DenseNet121(3, 1, 2, init_features=4, growth_rate=2, block_config=blocks)

    with pytest.raises(ValueError, match=r"DenseNet121 cannot take volumes of num_slices=8 slices, it takes 29: some"):
        DASVolumeClassifier(DASUniformSampler(num_slices=8), backbone)

    network = DASVolumeClassifier(DASUniformSampler(num_slices=29), backbone).eval()
    assert network(torch.rand(1, 1, 32, 32, 40)).shape == (1, 2)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_any_backbone_is_asked(levels):
    layers = [
        nn.Sequential(nn.Conv3d(1 if not level else 2, 2, 3, padding=1), nn.MaxPool3d(2)) for level in range(levels)
    ]
    backbone = nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten())

    with pytest.raises(ValueError, match=rf"num_slices={2**levels - 1} slices, it takes {2**levels}: some layer"):
        DASVolumeClassifier(DASUniformSampler(num_slices=2**levels - 1), backbone)
    DASVolumeClassifier(DASUniformSampler(num_slices=2**levels), backbone)


@pytest.mark.parametrize(
    "backbone",
    [
        resnet10(spatial_dims=3, n_input_channels=2, num_classes=2),
        DASMobileNetV3Small(spatial_dims=3, in_channels=1, num_classes=2),
        nn.Identity(),
        nn.Sequential(nn.Conv3d(1, 1, 3), nn.Flatten(), nn.Linear(6, 2)),  # slices of one size only: cannot be told
    ],
    ids=["resnet", "mobilenet", "no convolution", "fixed size"],
)
def test_backbones_that_fit_or_cannot_be_told_are_taken(backbone):
    DASVolumeClassifier(DASUniformSampler(num_slices=3), backbone)


def test_asking_draws_nothing_and_leaves_the_backbone_as_it_is():
    backbone = nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.BatchNorm3d(2), nn.Dropout(), nn.Flatten()).train()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    state = torch.get_rng_state()

    DASVolumeClassifier(DASUniformSampler(num_slices=3), backbone, thumbnail_size=8)

    assert torch.equal(torch.get_rng_state(), state)
    assert backbone.training
    assert all(torch.equal(backbone.state_dict()[name], value) for name, value in before.items())
