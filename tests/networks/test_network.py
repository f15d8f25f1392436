"""What both networks promise alike."""

import copy
import pickle

import pytest
import torch
from monai.data import MetaTensor

from monai_das.networks import (
    DASGatedAggregation,
    DASMobileNetV3Small,
    DASNetwork,
    DASSliceClassifier,
    DASVolumeClassifier,
)
from monai_das.samplers import DASTopVarianceSampler, DPSSampler, Selection, take_slices


def test_forward_is_score_then_classify(network):
    volume, lengths = torch.randn(2, 1, 24, 20, 9), torch.tensor([9, 3])

    selection = network.score(network.thumbnails(volume), lengths)

    torch.testing.assert_close(network.classify(take_slices(volume, selection), selection), network(volume, lengths))


def test_logits_are_one_float32_tensor(network):
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(torch.randn(2, 1, 24, 20, 9))

    assert logits.shape == (2, 3)
    assert logits.dtype == torch.float32


def test_scoring_runs_once(network, monkeypatch):
    calls = []
    forward = network.sampler.forward
    monkeypatch.setattr(network.sampler, "forward", lambda *args: calls.append(args) or forward(*args))

    network(torch.randn(2, 1, 24, 20, 9))

    assert len(calls) == 1
    assert calls[0][0].shape == (2, 1, 16, 16, 9)


def test_eval_gathers_and_never_multiplies(network, monkeypatch):
    volume = torch.randn(2, 1, 24, 20, 9)
    selection = network.score(network.thumbnails(volume))
    expected = network(volume)
    blind = selection._replace(weights=torch.full_like(selection.weights, torch.nan))
    monkeypatch.setattr(torch, "einsum", None)

    torch.testing.assert_close(network.classify(take_slices(volume, blind), blind), expected)
    torch.testing.assert_close(network(volume), expected)


def test_padded_slices_never_matter(network):
    volume, lengths = torch.randn(3, 1, 24, 20, 12), torch.tensor([12, 6, 2])
    padded = volume.clone()
    for case, length in enumerate(lengths.tolist()):
        padded[case, ..., length:] = 1e6

    logits = network(padded, lengths)

    for case, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(logits[case], network(volume[case : case + 1, ..., :length])[0])


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_input_of_any_precision_is_taken(network, dtype):
    volume = torch.randn(2, 1, 24, 20, 9).half()

    torch.testing.assert_close(network(volume.to(dtype)), network(volume.float()))


def test_integer_volumes_are_taken(network):
    volume = torch.randint(-1024, 3000, (2, 1, 24, 20, 9), dtype=torch.int16)

    torch.testing.assert_close(network(volume), network(volume.float()))


def test_metadata_is_taken_and_left_behind(network):
    volume = torch.randn(2, 1, 24, 20, 9)

    logits = network(MetaTensor(volume))

    assert type(logits) is torch.Tensor
    torch.testing.assert_close(logits, network(volume))


def test_metadata_of_lengths_are_left_behind(network):
    network.train()

    output = network(torch.rand(2, 1, 16, 16, 6), MetaTensor(torch.tensor([6, 3])))

    assert {type(each) for each in (output.logits, *output.selection)} == {torch.Tensor}


def test_training_returns_logits_and_selection_and_eval_logits_alone(network):
    volume = torch.randn(2, 1, 24, 20, 9)

    logits, selection = network.train()(volume)
    alone = network.eval()(volume)

    assert type(logits) is type(alone) is torch.Tensor
    assert logits.shape == alone.shape == (2, 3)
    assert isinstance(selection, Selection)
    assert torch.equal(selection.indices, network.score(network.thumbnails(volume)).indices)


def learning(kind: str) -> DASNetwork:
    sampler = DPSSampler(num_slices=4, depth=9)
    if kind == "slice":
        backbone = DASMobileNetV3Small(in_channels=1)
        return DASSliceClassifier(sampler, backbone, 2, DASGatedAggregation(), thumbnail_size=16)
    backbone = DASMobileNetV3Small(spatial_dims=3, in_channels=1, num_classes=2)
    return DASVolumeClassifier(sampler, backbone, thumbnail_size=16)


@pytest.mark.parametrize("kind", ["slice", "volume"])
def test_a_network_in_training_can_be_copied_and_pickled(kind):
    net = learning(kind).train()
    output = net(torch.randn(2, 1, 24, 20, 9))  # has a graph, which could not be copied

    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin(torch.randn(2, 1, 24, 20, 9)).logits.shape == output.logits.shape


@pytest.mark.parametrize("kind", ["slice", "volume"])
def test_gradient_reaches_the_scores_through_the_gate_alone(kind):
    net = learning(kind).eval()

    logits = net(torch.randn(2, 1, 24, 20, 9))
    assert not net.score(torch.randn(2, 1, 16, 16, 9)).weights.requires_grad
    logits.square().sum().backward()

    grads = [p.grad for p in net.sampler.parameters()]
    assert all(g.isfinite().all() for g in grads)
    assert any(g.any() for g in grads)


@pytest.mark.parametrize("kind", ["slice", "volume"])
def test_a_detached_choice_hears_what_reads_the_selection_and_not_the_task(kind):
    net = learning(kind).train()
    net.detach_choice = True

    logits, selection = net(torch.randn(2, 1, 24, 20, 9))
    logits.square().sum().backward()
    task = [p.grad for p in net.sampler.parameters()]
    selection.scores.square().sum().backward()

    assert all(grad is None for grad in task)
    assert any(p.grad is not None and p.grad.any() for p in net.sampler.parameters())
    assert any(p.grad is not None and p.grad.any() for p in net.backbone.parameters())


@pytest.mark.parametrize("kind", ["slice", "volume"])
@pytest.mark.parametrize(
    "device",
    ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"))],
)
def test_half_precision_hounsfield_units_give_finite_gradients(kind, device):
    net = learning(kind).to(device).train()
    volume = (torch.rand(2, 1, 32, 32, 9, device=device) * 6000 - 3000).half()

    with torch.autocast(device, torch.bfloat16 if device == "cpu" else torch.float16):
        logits, _ = net(volume, torch.tensor([9, 3], device=device))
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1], device=device))
    loss.backward()

    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_thumbnail_size_travels_with_the_weights(network):
    assert network.state_dict()["thumbnail_side"].item() == 16

    network.load_state_dict(network.state_dict())


def test_weights_of_another_thumbnail_size_are_refused(network):
    weights = {**network.state_dict(), "thumbnail_side": torch.tensor(32)}

    with pytest.raises(RuntimeError, match="thumbnail_size=32, the network has 16; build it with thumbnail_size=32"):
        network.load_state_dict(weights, strict=False)

    assert network.state_dict()["thumbnail_side"].item() == 16


def test_weights_without_a_thumbnail_size_are_missing_it(network):
    weights = network.state_dict()
    del weights["thumbnail_side"]

    with pytest.raises(RuntimeError, match=r"Missing key.*thumbnail_side"):
        network.load_state_dict(weights)


def test_thumbnail_size_below_three_is_refused():
    with pytest.raises(ValueError, match="thumbnail_size must be at least 3 pixels, got 2"):
        DASVolumeClassifier(DASTopVarianceSampler(num_slices=1), torch.nn.Identity(), thumbnail_size=2)


def test_missing_batch_axis_says_how_to_add_it(network):
    with pytest.raises(ValueError, match=r"got \[1, 24, 20, 9\]; add a batch axis: volume\[None\]"):
        network(torch.randn(1, 24, 20, 9))


def test_tiny_slices_are_refused(network):
    with pytest.raises(ValueError, match=r"at least 3 x 3 pixels, got volume \[1, 1, 24, 2, 9\]"):
        network(torch.randn(1, 1, 24, 2, 9))


def test_slices_that_do_not_fit_the_selection_are_refused(network):
    volume = torch.randn(2, 1, 24, 20, 9)
    selection = network.score(network.thumbnails(volume))

    with pytest.raises(ValueError, match=r"k = 4 rows of the selection, got \[2, 1, 24, 20, 9\]; take them with"):
        network.classify(volume, selection)


def test_abstract_network_says_what_to_write():
    with pytest.raises(NotImplementedError, match="implements classify"):
        DASNetwork(DASTopVarianceSampler(num_slices=2), thumbnail_size=8)(torch.randn(1, 1, 8, 8, 4))
