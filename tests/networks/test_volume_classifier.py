import pytest
import torch
from monai.networks.nets import resnet10
from torch import nn

from monai_das.networks import DASVolumeClassifier
from monai_das.networks.volume_classifier import slice_gate
from monai_das.samplers import DASUniformSampler


def test_monai_networks_can_be_injected():
    backbone = resnet10(spatial_dims=3, n_input_channels=1, num_classes=3)
    net = DASVolumeClassifier(DASUniformSampler(num_slices=4), backbone).eval()
    volume = torch.randn(2, 1, 20, 20, 9)

    logits = net(volume)

    assert logits.shape == (2, 3)
    torch.testing.assert_close(torch.jit.script(net)(volume), logits)


def test_backbone_sees_the_kept_slices_in_order_and_zeros_beyond():
    net = DASVolumeClassifier(DASUniformSampler(num_slices=3), nn.Identity(), gate=False).eval()
    volume = torch.rand(1, 1, 8, 8, 2)

    seen = net(volume)

    assert torch.equal(seen[..., :2], volume)
    assert not seen[..., 2].any()


def test_gate_is_one_for_equal_scores(make_selection):
    selection = make_selection(torch.full((1, 4), 0.7), [[0, 2, 2]], [[True, True, False]])

    torch.testing.assert_close(slice_gate(selection), torch.ones(1, 3))


def test_gate_compares_with_the_mean_of_the_kept_scores(make_selection):
    selection = make_selection(torch.tensor([[3.0, 9.0, 1.0]]), [[0, 2, 2]], [[True, True, False]])

    gate = slice_gate(selection)

    torch.testing.assert_close(gate[0, :2], 2 * torch.sigmoid(torch.tensor([1.0, -1.0])))


@pytest.mark.parametrize(("gate", "expected"), [(True, 2 / (1 + 2.718281828)), (False, 1.0)])
def test_gate_scales_the_slices(gate, expected, make_selection):
    net = DASVolumeClassifier(DASUniformSampler(num_slices=2), nn.Identity(), gate=gate).eval()
    selection = make_selection(torch.tensor([[0.0, 2.0]]), [[0, 1]], [[True, True]])

    scaled = net.classify(torch.ones(1, 1, 4, 4, 2), selection)

    assert scaled[0, 0, 0, 0, 0].item() == pytest.approx(expected)
