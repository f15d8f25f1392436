import pytest
import torch
from monai.networks.nets import resnet10
from torch import nn

from monai_das.networks import DASMeanAggregation, DASSliceClassifier, DASVolumeClassifier, slice_cam
from monai_das.samplers import DASTopVarianceSampler, DASUniformSampler


class BrightPixels(nn.Module):
    """Features that are the brightness of each pixel, so that the answer is known."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.layer.weight)

    def forward(self, image):
        return self.layer(image)


def bright_network():
    network = DASSliceClassifier(
        DASTopVarianceSampler(num_slices=2), BrightPixels(), 2, DASMeanAggregation(), 1, thumbnail_size=16
    )
    with torch.no_grad():
        network.head.weight.copy_(torch.tensor([[-1.0], [1.0]]))
        network.head.bias.zero_()
    return network


def spotted():
    volume = torch.zeros(1, 1, 16, 16, 6)
    volume[0, 0, 2:5, 3:6, 1] = 1.0
    volume[0, 0, 10:13, 8:11, 4] = 1.0
    return volume


def test_the_map_of_each_chosen_slice_shows_what_counted_there():
    maps, selection = slice_cam(bright_network(), spotted(), "layer", class_idx=1)

    assert selection.indices.tolist() == [[1, 4]]
    assert torch.equal(maps[0, 0, :, :, 0], spotted()[0, 0, :, :, 1])
    assert torch.equal(maps[0, 0, :, :, 1], spotted()[0, 0, :, :, 4])


def test_the_predicted_class_is_explained_unless_one_is_given():
    network = bright_network()

    predicted, _ = slice_cam(network, spotted(), "layer")

    assert int(network.eval()(spotted()).argmax()) == 1
    assert torch.equal(predicted, slice_cam(network, spotted(), "layer", class_idx=1).maps)


def test_a_3d_network_is_explained_too_and_rows_that_are_not_kept_are_empty():
    backbone = resnet10(spatial_dims=3, n_input_channels=1, num_classes=2)
    network = DASVolumeClassifier(DASUniformSampler(num_slices=4), backbone, thumbnail_size=16)

    maps, _ = slice_cam(network, torch.rand(2, 1, 48, 40, 20), "layer2", lengths=torch.tensor([20, 3]))

    assert maps.shape == (2, 1, 48, 40, 4)
    assert float(maps.amax()) == 1.0
    assert not maps[1, ..., 3].any()


def test_the_network_stays_as_it_is():
    network = bright_network().train()

    slice_cam(network, spotted(), "layer")

    assert all(each.training for each in network.modules())
    assert all(each.grad is None for each in network.parameters())
    assert not any(each._forward_hooks or each._backward_hooks for each in network.modules())


def test_a_layer_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match="the backbone has no layer 'layer4'; it has layer, and layers inside these"):
        slice_cam(bright_network(), spotted(), "layer4")
