import pytest
import torch
from torch import nn

from monai_das.losses import DASLoss
from monai_das.networks import DASMeanAggregation, DASOutput, DASSliceClassifier
from monai_das.samplers import DASUniformSampler, Selection
from monai_das.samplers.selection import new_selection


def selection_with(penalty: torch.Tensor | None) -> Selection:
    """Return a selection of one slice in each of two cases, with the given penalty."""
    ones = torch.ones(2, 1)
    return new_selection(ones[:, :, None], ones.long() - 1, ones.bool(), ones, penalty=penalty)


@pytest.fixture
def batch():
    return torch.randn(2, 2), torch.tensor([0, 1])


def test_training_adds_the_weighted_mean_penalty(batch):
    logits, target = batch
    output = DASOutput(logits, selection_with(torch.tensor([1.0, 3.0])))

    loss = DASLoss(penalty_weight=0.5)(output, target)

    assert loss == pytest.approx(nn.functional.cross_entropy(*batch).item() + 1.0)


def test_the_penalty_reaches_what_it_came_from(batch):
    logits, target = batch
    penalty = torch.ones(2, requires_grad=True)

    DASLoss()(DASOutput(logits, selection_with(penalty)), target).backward()

    assert penalty.grad.tolist() == [0.5, 0.5]


def test_validation_and_samplers_without_penalty_give_the_task_loss(batch):
    logits, target = batch

    assert DASLoss()(logits, target) == nn.functional.cross_entropy(*batch)
    assert DASLoss()(DASOutput(logits, selection_with(None)), target) == nn.functional.cross_entropy(*batch)


def test_a_plain_tuple_is_as_good_as_the_named_one(batch):
    logits, target = batch
    selection = selection_with(torch.tensor([1.0, 3.0]))

    assert DASLoss()((logits, selection), target) == DASLoss()(DASOutput(logits, selection), target)


def test_a_penalty_in_half_precision_is_added_in_float32(batch):
    logits, target = batch
    penalty = torch.full((2,), 0.1, dtype=torch.bfloat16)

    assert DASLoss()(DASOutput(logits, selection_with(penalty)), target).dtype == torch.float32


def test_the_task_loss_can_be_any_other(batch):
    logits, target = batch
    task = nn.CrossEntropyLoss(label_smoothing=0.1)

    assert DASLoss(task)(DASOutput(logits, selection_with(None)), target) == task(*batch)


def test_the_weights_of_a_task_loss_travel_with_it():
    weighted = DASLoss(nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0])))

    assert weighted.state_dict()["loss.weight"].tolist() == [1.0, 2.0]
    assert dict(DASLoss().state_dict()) == {}


def test_a_network_in_place_of_a_task_loss_is_refused():
    network = DASSliceClassifier(DASUniformSampler(num_slices=1), nn.Identity(), 2, DASMeanAggregation(), 1)

    with pytest.raises(
        TypeError, match=r"got the network DASSliceClassifier; a loss holds no network: build DASLoss\("
    ):
        DASLoss(network)
