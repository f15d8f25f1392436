"""Input that used to give nonsense, or an error from deep inside: it is right now, or refused in plain words."""

import copy
import warnings

import pytest
import torch
from monai.networks.nets import resnet10
from torch import nn

from monai_das.networks import DASMobileNetV3Small, DASSliceClassifier, DASVolumeClassifier
from monai_das.samplers import (
    DASFullSampler,
    DASGateSampler,
    DASSampler,
    DASUniformSampler,
    DPSSampler,
    PerturbedTopKSampler,
)
from monai_das.samplers.selection import check_lengths

LENGTHS = torch.tensor([9, 5])
LEARNING = [
    DASSampler(num_slices=4),
    DASGateSampler(num_slices=4),
    PerturbedTopKSampler(num_slices=4),
    DPSSampler(num_slices=4, depth=9),
    DASFullSampler(),
]


def three_d(sampler, classes=2):
    backbone = nn.Sequential(
        nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten()
    )
    return DASVolumeClassifier(sampler, nn.Sequential(backbone, nn.Linear(4, classes)), thumbnail_size=16)


def two_d(sampler):
    backbone = resnet10(spatial_dims=2, n_input_channels=1, feed_forward=False)
    return DASSliceClassifier(sampler, backbone, 2, num_features=512, thumbnail_size=16)


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16, torch.float64], ids=str)
@pytest.mark.parametrize("make", [two_d, three_d])
def test_the_backbone_changes_its_precision_and_the_choice_stays_the_same(make, precision):
    network = make(DASSampler(num_slices=4)).eval()
    volume = torch.rand(2, 1, 24, 20, 9).to(torch.float16)
    expected, chosen = network(volume), network.score(network.thumbnails(volume)).indices

    changed = copy.deepcopy(network).to(precision)
    selection = changed.score(changed.thumbnails(volume.to(precision)))

    assert {each.dtype for each in changed.backbone.parameters()} == {precision}
    assert {each.dtype for each in changed.sampler.parameters()} == {torch.float32}
    for image in (volume, volume.to(precision)):
        torch.testing.assert_close(changed(image), expected, rtol=0.05, atol=0.05)
    assert torch.equal(selection.indices, chosen)
    assert selection.scores.dtype == torch.float32


def test_half_precision_does_not_round_the_weights_that_stay():
    network = two_d(DASSampler(num_slices=4))
    before = copy.deepcopy(network.sampler.state_dict() | network.head.state_dict(prefix="head."))

    network.half()

    after = network.sampler.state_dict() | network.head.state_dict(prefix="head.")
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_backbone_that_comes_in_half_precision_is_taken():
    network = DASSliceClassifier(DASSampler(num_slices=4), DASMobileNetV3Small(in_channels=1).half(), 2).eval()

    assert network(torch.rand(1, 1, 32, 32, 9)).dtype == torch.float32


def test_a_half_network_is_scripted():
    network = two_d(DASSampler(num_slices=4)).half().eval()
    volume = torch.rand(1, 1, 24, 20, 9).half()

    torch.testing.assert_close(torch.jit.script(network)(volume), network(volume), rtol=0.01, atol=0.01)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([12, 3]), r"between 1 and the 9 slices of the batch, got 3 to 12"),
        (torch.tensor([-1, 3]), r"between 1 and the 9 slices of the batch, got -1 to 3"),
        (torch.tensor([0, 3]), r"between 1 and the 9 slices of the batch, got 0 to 3"),
        (torch.tensor([3]), r"one number for each of 2 cases, got \[1\]"),
        (torch.tensor([[3], [4]]), r"one number for each of 2 cases, got \[2, 1\]"),
        (torch.tensor([3.0, 4.0]), r"whole numbers, such as int64, got torch.float32; give lengths.long\(\)"),
        (torch.tensor([True, False]), r"whole numbers, such as int64, got torch.bool"),
    ],
)
def test_wrong_lengths_are_refused(network, lengths, message):
    volume = torch.rand(2, 1, 24, 20, 9)

    for call in (network, network.train(), lambda image, real: network.sampler(network.thumbnails(image), real)):
        with pytest.raises(ValueError, match=message):
            call(volume, lengths)


def test_a_script_refuses_wrong_lengths_too(network):
    with pytest.raises(torch.jit.Error, match="between 1 and the 9 slices of the batch, got 3 to 12"):
        torch.jit.script(network)(torch.rand(2, 1, 24, 20, 9), torch.tensor([12, 3]))


def test_lengths_of_no_case_are_right():
    check_lengths(torch.zeros(0, dtype=torch.int64), 0, 5)


def test_a_volume_without_slices_is_refused(network):
    with pytest.raises(
        ValueError, match=r"volume must have at least one slice, got \[2, 1, 24, 20, 0\]; slices are the"
    ):
        network(torch.rand(2, 1, 24, 20, 0))
    with pytest.raises(
        ValueError, match=r"thumbnails must have at least one slice, got torch.Size\(\[2, 1, 16, 16, 0\]"
    ):
        network.sampler(torch.rand(2, 1, 16, 16, 0))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused_with_their_place(network, value):
    volume = torch.rand(2, 1, 24, 20, 9)
    volume[1, 0, 3, 4, 6] = value

    for call in (network, network.train()):
        with pytest.raises(
            ValueError, match=r"slice 6 of case 1 in the batch has values that are NaN or infinite; mend"
        ):
            call(volume)


@pytest.mark.parametrize("make", [two_d, three_d])
@pytest.mark.parametrize("sampler", LEARNING, ids=lambda sampler: type(sampler).__name__)
def test_what_is_in_the_padding_never_matters(make, sampler):
    network = make(copy.deepcopy(sampler))
    network.sampler.scheduled = True  # its lessons are over
    clean = torch.rand(2, 1, 24, 20, 9)
    spoilt = clean.clone()
    spoilt[1, ..., 5:] = torch.nan

    torch.testing.assert_close(network.eval()(spoilt, LENGTHS), network(clean, LENGTHS))
    torch.testing.assert_close(network(spoilt, LENGTHS)[1], network(clean[1:, ..., :5])[0])
    logits, selection = network.train()(spoilt, LENGTHS)
    (logits.square().sum() + selection.penalty.sum() + selection.log_prob.sum()).backward()

    assert all(each.grad is None or each.grad.isfinite().all() for each in network.parameters())


@pytest.mark.parametrize("sampler", [DASFullSampler(), DASUniformSampler(fraction=0.5)], ids=["full", "share"])
def test_a_case_in_a_padded_batch_of_a_3d_network_gets_the_answer_it_gets_alone(sampler):
    network = three_d(sampler).eval()
    volume = torch.rand(3, 1, 24, 20, 9)

    logits = network(volume, torch.tensor([9, 4, 7]))
    scripted = torch.jit.script(network)(volume, torch.tensor([9, 4, 7]))

    alone = [network(volume[case : case + 1, ..., :length]) for case, length in enumerate((9, 4, 7))]
    torch.testing.assert_close(logits, torch.cat(alone))
    torch.testing.assert_close(scripted, logits)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", [(40, 96, 96), (20, 320, 260)])
def test_slices_that_seem_to_come_first_are_noticed(shape, network):
    volume = torch.rand(1, 1, *shape)

    with pytest.warns(UserWarning, match=rf"looks as if slices came first: as it is, it holds {shape[2]} slices of"):
        network(volume)


@pytest.mark.parametrize("shape", [(48, 48, 48), (96, 96, 40), (40, 36, 96), (36, 43, 36)])
def test_ordinary_volumes_are_taken_without_a_word(shape, network):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network(torch.rand(1, 1, *shape))
