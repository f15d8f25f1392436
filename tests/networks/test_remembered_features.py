"""A network with a frozen backbone remembers features, and its sampler learns as before."""

import copy

import pytest
import torch
from torch import Tensor

from monai_das import samplers
from monai_das.losses import DASLoss
from monai_das.networks import DASSliceClassifier, feature_cache
from tests.networks.counted import remembering

SETTINGS = [
    ("DPSSampler", {"depth": 6}),
    ("ADPSSampler", {"depth": 6}),
    ("PGADPSSampler", {"depth": 6}),
    ("PerturbedTopKSampler", {"sigma": 0.5}),  # with less noise some processors' draws never change the choice
]


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """An empty memory, which is put away afterwards."""
    known = {}
    monkeypatch.setattr(feature_cache, "MEMORY", known)
    return known


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
