import pytest
import torch
from torch import distributed, nn

from monai_das.losses import DASLoss
from monai_das.samplers import Selection


class PenalisedNetwork(nn.Module):
    """A linear layer whose selection carries the given penalty."""

    def __init__(self, penalty):
        super().__init__()
        self.layer = nn.Linear(4, 2)
        nothing = torch.zeros(2, 1)
        self.selection = Selection(nothing, nothing, nothing, nothing, None, penalty)


@pytest.fixture
def batch():
    return torch.randn(2, 2), torch.tensor([0, 1])


def test_training_adds_the_weighted_mean_penalty(batch):
    network = PenalisedNetwork(torch.tensor([1.0, 3.0])).train()

    loss = DASLoss(network, penalty_weight=0.5)

    assert loss(*batch) == pytest.approx(nn.functional.cross_entropy(*batch).item() + 1.0)


def test_the_penalty_reaches_what_it_came_from(batch):
    penalty = torch.ones(2, requires_grad=True)

    DASLoss(PenalisedNetwork(penalty))(*batch).backward()

    assert penalty.grad.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("penalty", [None, torch.tensor([1.0, 3.0])])
def test_validation_and_samplers_without_penalty_give_the_task_loss(batch, penalty):
    network = PenalisedNetwork(penalty).train(penalty is None)

    assert DASLoss(network)(*batch) == nn.functional.cross_entropy(*batch)


def test_before_the_first_forward_there_is_only_the_task_loss(batch):
    network = PenalisedNetwork(None)
    network.selection = None

    assert DASLoss(network)(*batch) == nn.functional.cross_entropy(*batch)


def test_the_task_loss_can_be_any_other(batch):
    task = nn.CrossEntropyLoss(label_smoothing=0.1)

    assert DASLoss(PenalisedNetwork(None), task)(*batch) == task(*batch)


def test_the_network_is_held_without_becoming_part_of_the_loss():
    loss = DASLoss(PenalisedNetwork(None))

    assert list(loss.parameters()) == []
    assert dict(loss.state_dict()) == {}


def test_a_network_without_selection_is_refused():
    with pytest.raises(ValueError, match=r"attribute selection, got Linear; use DASSliceClassifier"):
        DASLoss(nn.Linear(4, 2))


@pytest.fixture
def process_group():
    """A group of this one process."""
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_the_network_inside_a_distributed_wrapper_is_read(batch, process_group):
    network = PenalisedNetwork(torch.tensor([1.0, 3.0]))

    loss = DASLoss(nn.parallel.DistributedDataParallel(network))

    assert loss(*batch) == pytest.approx(nn.functional.cross_entropy(*batch).item() + 2.0)
