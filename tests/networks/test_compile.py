"""``torch.compile`` makes one graph of a network, without a break."""

import pytest
import torch
from torch import nn

from monai_das.networks import DASSliceClassifier, DASVolumeClassifier
from monai_das.samplers import DASFullSampler, DASGateSampler, DASSampler, DASTopVarianceSampler

pytestmark = pytest.mark.no_cover

LENGTHS = [None, torch.tensor([9, 5])]


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch.compiler.reset()


def networks():
    for sampler in (DASSampler(num_slices=4), DASTopVarianceSampler(num_slices=4)):
        backbone = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        yield DASSliceClassifier(sampler, backbone, 2, num_features=4, thumbnail_size=16)
    yield DASVolumeClassifier(DASGateSampler(num_slices=4), three_d_backbone(), thumbnail_size=16)


def three_d_backbone():
    return nn.Sequential(
        nn.Conv3d(1, 4, 3), nn.BatchNorm3d(4), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2)
    )


NETWORKS = [pytest.param(each, id=f"{type(each).__name__}-{type(each.sampler).__name__}") for each in networks()]


@pytest.mark.parametrize("lengths", LENGTHS, ids=["whole", "padded"])
@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_is_one_graph_in_eval(network, lengths):
    volume = torch.rand(2, 1, 24, 24, 9)
    network.eval()

    compiled = torch.compile(network, fullgraph=True, backend="eager")

    torch.testing.assert_close(compiled(volume, lengths), network(volume, lengths))


@pytest.mark.parametrize("lengths", LENGTHS, ids=["whole", "padded"])
@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_is_one_graph_in_training_and_learns(network, lengths):
    network.train().zero_grad()

    logits, selection = torch.compile(network, fullgraph=True, backend="eager")(torch.rand(2, 1, 24, 24, 9), lengths)
    (logits.square().sum() + selection.penalty.sum()).backward()

    assert selection.indices.shape == (2, 4)
    assert any(each.grad is not None and each.grad.any() for each in network.backbone.parameters())


def test_compile_refuses_what_only_eager_can_do_right():
    network = DASVolumeClassifier(DASFullSampler(), three_d_backbone(), thumbnail_size=16).eval()

    with pytest.raises(Exception, match="DASFullSampler keeps more slices of a longer case"):
        torch.compile(network, fullgraph=True, backend="eager")(torch.rand(2, 1, 24, 24, 9), LENGTHS[1])
