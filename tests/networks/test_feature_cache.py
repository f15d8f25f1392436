"""A frozen backbone looks at no image twice, and nothing else changes."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from monai_das import samplers
from monai_das.losses import DASLoss, DASPolicyInferer
from monai_das.networks import DASEfficientNetLite0, DASSliceClassifier, feature_cache
from monai_das.networks.feature_cache import FeatureCache

SETTINGS = [
    ("DPSSampler", {"depth": 6}),
    ("ADPSSampler", {"depth": 6}),
    ("PGADPSSampler", {"depth": 6}),
    ("PerturbedTopKSampler", {"sigma": 0.5}),  # with less noise some processors' draws never change the choice
]


class Counted(nn.Module):
    """A frozen backbone that counts the images it looks at."""

    def __init__(self, linear: bool = False) -> None:
        super().__init__()
        bend = nn.Identity() if linear else nn.ReLU()
        self.net = nn.Sequential(nn.Conv2d(1, 3, 3), bend, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.requires_grad_(False)
        self.looks = [0]  # a list, as settings of a backbone are numbers and strings

    @property
    def seen(self) -> int:
        return self.looks[0]

    def forward(self, images: Tensor) -> Tensor:
        self.looks[0] += len(images)
        features: Tensor = self.net(images)
        return features


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """An empty memory, which is put away afterwards."""
    known = {}
    monkeypatch.setattr(feature_cache, "MEMORY", known)
    return known


def test_features_are_the_same_and_computed_once():
    backbone, cache = Counted(), FeatureCache()
    images = torch.rand(5, 1, 8, 8).to(memory_format=torch.channels_last)

    again = [cache.features(backbone, each) for each in (images, images.flip(0), images[[1, 1, 4]])]

    assert backbone.seen == 5
    expected = backbone(images)
    torch.testing.assert_close(again[0], expected)
    torch.testing.assert_close(again[1], expected.flip(0))
    torch.testing.assert_close(again[2], expected[[1, 1, 4]])


def test_many_images_are_looked_at_a_few_at_a_time():
    backbone, images = Counted(), torch.rand(2 * feature_cache.FEW + 1, 1, 8, 8)

    torch.testing.assert_close(FeatureCache().features(backbone, images), backbone(images))


def test_other_pixels_and_other_weights_are_looked_at():
    first, second, cache = Counted(), Counted(), FeatureCache()
    images = torch.rand(2, 1, 8, 8)

    assert not torch.equal(cache.features(first, images), cache.features(second, images))
    assert not torch.equal(cache.features(first, images), cache.features(first, images.flip(3)))
    assert (first.seen, second.seen) == (4, 2)


def test_the_same_weights_with_another_setting_are_another_backbone():
    plain, scaled = (DASEfficientNetLite0(1, frozen=True, feature_norm=norm) for norm in (0.0, 10.0))
    scaled.load_state_dict(plain.state_dict())
    image = torch.rand(1, 1, 32, 32)

    found = FeatureCache().features(plain, image), FeatureCache().features(scaled, image)

    assert float(found[1].norm()) == pytest.approx(10.0)
    torch.testing.assert_close(found[0], plain(image))


@pytest.mark.parametrize(
    "change",
    [
        lambda backbone: nn.init.ones_(backbone.net[0].weight),
        lambda backbone: backbone.load_state_dict(Counted().state_dict()),
        lambda backbone: backbone.net[0].bias.mul_(2.0),
        lambda backbone: setattr(backbone.net[0].weight, "data", 2.0 * backbone.net[0].weight.data),  # as to() does
    ],
    ids=["filled", "loaded", "multiplied", "moved"],
)
def test_weights_that_change_are_noticed(change):
    backbone, cache, images = Counted(), FeatureCache(), torch.rand(2, 1, 8, 8)
    before = cache.features(backbone, images)

    change(backbone)
    after = cache.features(backbone, images)

    assert not torch.equal(after, before)
    torch.testing.assert_close(after, backbone(images))


def test_a_backbone_that_starts_to_learn_is_refused():
    learning = nn.Conv2d(1, 1, 3)

    with pytest.raises(ValueError, match="only the features of a frozen backbone can be remembered, this one learns; "):
        FeatureCache().features(learning, torch.rand(1, 1, 8, 8))


def test_the_same_weights_with_another_setting_inside_are_another_backbone():
    images, cache = torch.rand(2, 1, 8, 8), FeatureCache()
    once, twice = (nn.Sequential(nn.Flatten(), nn.LeakyReLU(slope)) for slope in (0.1, 0.9))

    assert torch.equal(cache.features(once, -images), -0.1 * images.flatten(1))
    torch.testing.assert_close(cache.features(twice, -images), -0.9 * images.flatten(1))


def test_a_backbone_that_starts_to_learn_later_is_refused_as_well():
    backbone, cache, images = Counted(), FeatureCache(), torch.rand(1, 1, 8, 8)
    cache.features(backbone, images)

    backbone.requires_grad_(True)

    with pytest.raises(ValueError, match="this one learns"):
        cache.features(backbone, images)


class Bent(nn.Module):
    """A convolution, and a function behind it."""

    def __init__(self, bend, stride=1):
        super().__init__()
        torch.manual_seed(0)
        self.convolve, self.bend = nn.Conv2d(1, 2, 3, stride), bend
        self.requires_grad_(False)

    def forward(self, images):
        return self.bend(self.convolve(images)).mean((2, 3))


@pytest.mark.parametrize("other", [Bent(torch.relu, stride=2), Bent(torch.sigmoid)], ids=["stride", "function"])
def test_the_same_weights_with_another_stride_or_function_are_another_backbone(other):
    images = torch.randn(3, 1, 9, 9)
    FeatureCache().features(Bent(torch.relu), images)

    torch.testing.assert_close(FeatureCache().features(other, images), other(images))


def test_features_in_half_precision_are_not_those_of_full_precision():
    backbone, cache, images = Counted(), FeatureCache(), torch.rand(2, 1, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        half = cache.features(backbone, images)

    whole = cache.features(backbone, images)

    assert (half.dtype, whole.dtype) == (torch.bfloat16, torch.float32)
    assert torch.equal(whole, backbone(images))


def test_a_backbone_in_bfloat16_can_be_remembered():
    backbone, images = Counted().bfloat16(), torch.rand(2, 1, 8, 8).bfloat16()

    assert torch.equal(FeatureCache().features(backbone, images), backbone(images))


def test_images_of_another_shape_are_other_images():
    backbone, cache = nn.Sequential(nn.AdaptiveAvgPool2d((1, 2)), nn.Flatten()), FeatureCache()
    image = torch.rand(1, 1, 4, 8)
    other = image.reshape(1, 1, 8, 4)
    cache.features(backbone, image)

    assert torch.equal(cache.features(backbone, other), backbone(other))


def test_features_are_those_of_eval_and_no_statistic_moves():
    noisy = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.5), nn.Flatten()).requires_grad_(False).train()
    images = torch.rand(6, 1, 8, 8)

    found = FeatureCache().features(noisy, images)

    assert all(part.training for part in noisy.modules())
    assert noisy[0].num_batches_tracked == 0
    torch.testing.assert_close(found, noisy.eval()(images))


def test_a_pickled_network_holds_no_features():
    network = remembering(samplers.DASUniformSampler(num_slices=2)).eval()
    before = len(pickle.dumps(network))

    network(torch.rand(2, 1, 8, 8, 6))

    assert len(pickle.dumps(network)) == before
    assert not pickle.loads(pickle.dumps(network)).cache.known


def test_a_view_in_eval_shares_what_is_known(monkeypatch):
    network = remembering(samplers.PolicyTopKSampler(num_slices=2)).train()
    volume = torch.rand(2, 1, 8, 8, 6)
    identities = []
    known = feature_cache.identity
    monkeypatch.setattr(feature_cache, "identity", lambda backbone: identities.append(backbone) or known(backbone))

    for _ in range(3):
        DASPolicyInferer()(volume, network)

    assert network.backbone.seen <= 12
    assert len(identities) == 1


def test_a_copy_shares_what_is_known():
    network, volume = remembering(samplers.DASUniformSampler(num_slices=2)).eval(), torch.rand(2, 1, 8, 8, 6)
    expected = network(volume)

    twin = copy.deepcopy(network)

    assert torch.equal(twin(volume), expected)
    assert network.backbone.seen == 4
    assert twin.backbone.seen == 4  # the count came with the copy


def test_beyond_the_limit_nothing_more_is_kept_and_features_are_right(monkeypatch, memory):
    monkeypatch.setattr(feature_cache, "LIMIT", 3)
    backbone, cache, images = Counted(), FeatureCache(), torch.rand(5, 1, 8, 8)

    found = [cache.features(backbone, part) for part in (images[:3], images, images)]

    assert backbone.seen == 3 + 2 + 2
    assert [len(known) for known in memory.values()] == [3]
    torch.testing.assert_close(found[2], backbone(images))


def remembering(sampler: samplers.Sampler, remember: bool = True) -> DASSliceClassifier:
    torch.manual_seed(3)
    backbone = Counted(linear=True)  # blending its features is blending slices
    return DASSliceClassifier(sampler, backbone, 2, None, 3, thumbnail_size=8, remember_features=remember)


def gradients_of(network: DASSliceClassifier) -> list[Tensor]:
    """Return the gradients that the sampler of ``network`` gets, with the same noise in every call."""
    torch.manual_seed(0)
    network.zero_grad()
    volume, lengths = torch.rand(2, 1, 8, 8, 6), torch.tensor([6, 4])
    DASLoss()(network.train()(volume, lengths), torch.tensor([0, 1])).backward()
    return [parameter.grad for parameter in network.sampler.parameters() if parameter.grad is not None]


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=[name for name, _ in SETTINGS])
def test_a_sampler_that_learns_through_slices_has_the_same_gradient(name, settings):
    sampler = getattr(samplers, name)(num_slices=2, **settings)
    found = gradients_of(remembering(copy.deepcopy(sampler)))

    expected = gradients_of(remembering(sampler, remember=False))

    assert max(float(gradient.abs().max()) for gradient in expected) > 0.0
    torch.testing.assert_close(found, expected)


def test_blending_features_looks_at_every_real_slice_once():
    network = remembering(samplers.DPSSampler(num_slices=2, depth=6)).train()
    volume, lengths = torch.rand(2, 1, 8, 8, 6), torch.tensor([6, 4])

    for _ in range(3):
        network(volume, lengths)

    assert network.backbone.seen == 10


def test_the_network_remembers_in_training_and_in_eval_alike():
    network = remembering(samplers.DASTopVarianceSampler(num_slices=2))
    volume = torch.rand(2, 1, 8, 8, 6)

    logits = [network.train(mode)(volume) for mode in (True, False, True)]

    assert network.backbone.seen == 4
    torch.testing.assert_close(logits[1], remembering(network.sampler, remember=False).eval()(volume))


def test_an_image_that_wants_a_gradient_goes_through_the_backbone():
    network = remembering(samplers.DASUniformSampler(num_slices=2)).eval()
    volume = torch.rand(1, 1, 8, 8, 6, requires_grad=True)

    network(volume).sum().backward()

    assert volume.grad is not None
    assert volume.grad.any()


def test_script_and_export_compute_what_is_remembered_in_eager():
    network = remembering(samplers.DASUniformSampler(num_slices=2)).eval()
    volume = torch.rand(2, 1, 8, 8, 6)

    expected = network(volume)

    torch.testing.assert_close(torch.jit.script(network)(volume), expected)
    torch.testing.assert_close(torch.export.export(network, (volume,)).module()(volume), expected)
