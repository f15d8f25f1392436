"""A sampler that is to be taught and is not says so on the first backward pass, whatever was constructed."""

import pytest
import torch
from torch import nn

from monai_das.handlers import DASBudgetSchedule
from monai_das.losses import DASLoss, DASReaderLoss
from monai_das.networks import (
    DASDesignAggregation,
    DASGatedAggregation,
    DASMeanAggregation,
    DASSliceClassifier,
    DASVolumeClassifier,
)
from monai_das.samplers import DASGateSampler, DASSampler, DPSSampler

LABELS = torch.tensor([0, 1, 0])
WARNING = (
    r"DASSampler is to be taught, and nothing teaches it: its choice stays\. Give DASSliceClassifier an aggregation "
    r"that teaches.*DASLoss.*DASGateSampler"
)


def classifier(weight=1.0, sampler=None):
    """Return a network in training whose attention teaches its sampler with ``weight``."""
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4, 3))
    attention = DASDesignAggregation(3, distillation_weight=weight)
    chosen = DASSampler(num_slices=2) if sampler is None else sampler
    return DASSliceClassifier(chosen, backbone, 2, attention, 3, thumbnail_size=8).train()


def volume_classifier(gate):
    backbone = nn.Sequential(nn.AdaptiveAvgPool3d(2), nn.Flatten(), nn.Linear(8, 2))
    return DASVolumeClassifier(DASSampler(num_slices=2), backbone, thumbnail_size=8, gate=gate).train()


def learn(network, loss=None, target=LABELS):
    """Take one backward pass and say whether the scores' layers got a gradient that is not zero."""
    (loss or DASLoss())(network(torch.randn(3, 1, 8, 8, 6)), target).backward()
    return any(each.grad is not None and bool(each.grad.any()) for each in network.sampler.parameters())


def with_attention_that_does_not_teach():
    return classifier(weight=0.0)


def with_a_mean_of_slices():
    network = classifier()
    network.aggregation = DASMeanAggregation()
    return network


def of_volumes_without_gate():
    return volume_classifier(gate=False)


@pytest.mark.parametrize(
    "build",
    [
        with_attention_that_does_not_teach,
        with_a_mean_of_slices,
        of_volumes_without_gate,
    ],
    ids=lambda build: build.__name__,
)
def test_a_sampler_that_nothing_teaches_is_told_once(build):
    network = build()

    with pytest.warns(UserWarning, match=WARNING):
        assert not learn(network)

    assert not learn(network)  # a second warning would be an error here


def test_nothing_is_said_where_attention_teaches_at_any_budget():
    network = classifier()
    schedule = DASBudgetSchedule(network, hold_epochs=1, end_epoch=2)

    for epoch in (0, 1.5, 2, 3):
        schedule.step(epoch)
        network.zero_grad()
        assert learn(network)


def test_a_gate_teaches():
    network = classifier()
    network.aggregation = DASGatedAggregation()

    assert learn(network)
    assert learn(volume_classifier(gate=True))


def test_verdicts_of_readers_teach():
    network = classifier()
    network.detach_choice = True
    verdicts = torch.tensor([[1, 0, 0, -1, 0, 0]] * 3)

    assert learn(network, DASReaderLoss(), {"label": LABELS, "verdicts": verdicts})


def test_a_batch_without_verdicts_is_no_reason_to_warn():
    assert not learn(classifier(weight=0.0), DASReaderLoss(), {"label": LABELS, "verdicts": torch.zeros(3, 6)})


@pytest.mark.parametrize("sampler", [DASGateSampler(num_slices=2), DPSSampler(num_slices=2, depth=6)])
def test_samplers_that_learn_in_another_way_are_not_asked(sampler):
    learn(classifier(sampler=sampler))


def test_a_frozen_sampler_is_not_asked():
    network = classifier(weight=0.0)
    network.sampler.requires_grad_(False)

    assert not learn(network)


def test_where_all_else_is_frozen_the_lesson_still_teaches():
    network = classifier()
    for part in (network.backbone, network.aggregation, network.head):
        part.requires_grad_(False)

    assert learn(network)


def test_eval_and_passes_without_gradient_say_nothing_and_count_for_nothing():
    network = classifier(weight=0.0)
    volume = torch.randn(3, 1, 8, 8, 6)

    network.eval()(volume).sum().backward()
    with torch.no_grad():
        network.train()(volume)

    with pytest.warns(UserWarning, match=WARNING):
        learn(network)


def test_processes_that_train_together_are_told_as_well(process_group):
    network = classifier(weight=0.0)
    parallel = nn.parallel.DistributedDataParallel(network)

    with pytest.warns(UserWarning, match=WARNING):
        DASLoss()(parallel(torch.randn(3, 1, 8, 8, 6)), LABELS).backward()


def test_the_warning_comes_at_the_first_backward_pass_of_two_forward_passes():
    network = classifier(weight=0.0)
    outputs = [network(torch.randn(3, 1, 8, 8, 6)) for _ in range(2)]

    with pytest.warns(UserWarning, match=WARNING) as caught:
        sum(DASLoss()(output, LABELS) for output in outputs).backward()

    assert len(caught) == 1


@pytest.mark.filterwarnings("error")
def test_a_warning_turned_into_an_error_comes_out_of_backward():
    with pytest.raises(UserWarning, match=WARNING):
        learn(classifier(weight=0.0))
