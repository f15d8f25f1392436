import pytest
import torch
from torch import nn

from monai_das.networks.small_map_conv import PAIRS, SmallMapConv2d


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (4, 4)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_values_and_gradients_are_those_of_the_convolution(size, stride, kernel):
    conv = SmallMapConv2d(6, kernel, stride).train()
    image = torch.randn(3, 6, *size, requires_grad=True)

    fast, plain = conv(image), nn.Conv2d.forward(conv, image)

    assert size[0] * size[1] < PAIRS
    torch.testing.assert_close(fast, plain)
    upstream = torch.randn_like(plain)
    for mine, theirs in zip(
        *(torch.autograd.grad(y, (image, conv.weight), upstream) for y in (fast, plain)), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_large_maps_and_evaluation_take_the_plain_convolution():
    conv = SmallMapConv2d(4, 3, 1)
    for image, training in ((torch.rand(2, 4, 9, 9), True), (torch.rand(2, 4, 2, 2), False)):
        assert torch.equal(conv.train(training)(image), nn.Conv2d.forward(conv, image))
