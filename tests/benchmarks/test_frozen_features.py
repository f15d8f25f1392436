"""A frozen backbone looks at no image twice, and nothing else changes."""

import copy

import pytest
import torch
from torch import Tensor, nn

from benchmarks.frozen_features import MEMORY, blended_features, remembered_features
from monai_das import samplers
from monai_das.networks import DASEfficientNetLite0, DASSliceClassifier


class Counted(nn.Module):
    """A frozen backbone that counts the images it looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.requires_grad_(False)
        self.seen = 0

    def forward(self, images: Tensor) -> Tensor:
        self.seen += len(images)
        features: Tensor = self.net(images)
        return features


def test_features_are_the_same_and_computed_once():
    backbone = Counted()
    images = torch.rand(5, 1, 8, 8).to(memory_format=torch.channels_last)
    expected = backbone(images)
    backbone.seen = 0

    with remembered_features(backbone):
        again = [backbone(images), backbone(images.flip(0)), backbone(images[[1, 1, 4]])]

    assert backbone.seen == 5
    torch.testing.assert_close(again[0], expected)
    torch.testing.assert_close(again[1], expected.flip(0))
    torch.testing.assert_close(again[2], expected[[1, 1, 4]])


def test_other_pixels_and_other_weights_are_looked_at():
    first, second = Counted(), Counted()
    images = torch.rand(2, 1, 8, 8)

    with remembered_features(first), remembered_features(second):
        assert not torch.equal(first(images), second(images))
        assert not torch.equal(first(images), first(images.flip(3)))
    assert (first.seen, second.seen) == (4, 2)


def test_the_same_weights_with_another_setting_are_another_backbone():
    plain, scaled = (DASEfficientNetLite0(1, frozen=True, feature_norm=norm) for norm in (0.0, 10.0))
    scaled.load_state_dict(plain.state_dict())
    image = torch.rand(1, 1, 32, 32)

    with remembered_features(plain), remembered_features(scaled):
        found = plain(image), scaled(image)

    assert float(found[1].norm()) == pytest.approx(10.0)
    torch.testing.assert_close(found[0], plain(image))


def test_weights_keep_their_names_and_copies_of_before_still_look_and_so_does_it_afterwards():
    backbone = Counted()
    before = copy.deepcopy(backbone)

    with remembered_features(backbone):
        for _ in range(2):
            before(torch.ones(1, 1, 8, 8))
        names = list(backbone.state_dict())
    for _ in range(2):
        backbone(torch.ones(1, 1, 8, 8))

    assert names == list(before.state_dict())
    assert before.seen == 2
    assert backbone.seen == 2


def gradients_of(network: DASSliceClassifier, volume: Tensor, lengths: Tensor) -> list[Tensor]:
    """Return the gradients that the sampler of ``network`` gets, with the same noise in every call."""
    torch.manual_seed(0)
    network.zero_grad()
    network(volume, lengths).square().sum().backward()
    return [parameter.grad for parameter in network.sampler.parameters() if parameter.grad is not None]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("DPSSampler", {"depth": 6}),
        ("ADPSSampler", {"depth": 6}),
        ("PGADPSSampler", {"depth": 6}),
        ("PerturbedTopKSampler", {"sigma": 0.5}),  # with less noise some processors' draws never change the choice
    ],
)
@pytest.mark.parametrize("inside", [lambda network: remembered_features(network.backbone), blended_features])
def test_a_sampler_that_learns_through_slices_has_the_same_gradient(name, settings, inside):
    sampler = getattr(samplers, name)(num_slices=2, **settings)
    backbone = Counted()
    backbone.net[1] = nn.Identity()  # linear: blending its features is blending slices
    network = DASSliceClassifier(sampler, backbone, num_classes=2, num_features=3, thumbnail_size=8).train()
    volume, lengths = torch.rand(2, 1, 8, 8, 6), torch.tensor([6, 4])
    expected = gradients_of(network, volume, lengths)

    with inside(network):
        found = gradients_of(network, volume, lengths)

    assert max(float(gradient.abs().max()) for gradient in expected) > 0.0
    torch.testing.assert_close(found, expected)


def test_blending_features_looks_at_every_slice_once():
    network = DASSliceClassifier(
        samplers.DPSSampler(num_slices=2, depth=6), Counted(), num_classes=2, num_features=3, thumbnail_size=8
    ).train()
    volume, lengths = torch.rand(2, 1, 8, 8, 6), torch.tensor([6, 4])
    MEMORY.clear()

    with blended_features(network):
        for _ in range(3):
            network(volume, lengths)

    assert network.backbone.seen == 10
    assert "forward" not in vars(network)


def test_a_backbone_that_learns_is_refused():
    learning = nn.Conv2d(1, 1, 3)
    wanted = "only the features of a frozen backbone can be remembered, this one learns"

    with pytest.raises(ValueError, match=wanted), remembered_features(learning):
        pass
