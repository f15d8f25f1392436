"""The pair that a network returns in ``train()``, and what it says to those who take it for a tensor."""

import copy
import pickle

import pytest
import torch
from monai.losses import DiceLoss, FocalLoss
from torch import nn
from torch.utils import _pytree as pytree

from monai_das.losses import DASLoss, DASPolicyInferer
from monai_das.networks import DASOutput, DASPolicyOutput
from monai_das.samplers import DASUniformSampler, PolicyTopKSampler
from tests.networks.taught import taught_network, two_batches


@pytest.fixture
def batch():
    return two_batches()[0]


@pytest.fixture
def output(batch):
    return taught_network()(batch[0])


@pytest.fixture
def policy_output(batch):
    return DASPolicyInferer()(batch[0], taught_network(PolicyTopKSampler(num_slices=2)))


PLAIN = [
    nn.CrossEntropyLoss(),
    nn.BCEWithLogitsLoss(),
    nn.MSELoss(),
    FocalLoss(to_onehot_y=True),
    DiceLoss(softmax=True),
    lambda output, target: output.argmax(dim=1),
    lambda output, target: torch.softmax(output, dim=1),
]
IDS = ["CrossEntropyLoss", "BCEWithLogitsLoss", "MSELoss", "FocalLoss", "DiceLoss", "method", "function"]


@pytest.mark.parametrize("which", ["output", "policy_output"])
@pytest.mark.parametrize("plain", PLAIN, ids=IDS)
def test_what_takes_the_pair_for_a_tensor_is_told_of_das_loss(plain, which, batch, request):
    pair = request.getfixturevalue(which)

    with pytest.raises((TypeError, AttributeError), match=r"\(logits, selection\).*give the pair to .*losses\.DASLoss"):
        plain(pair, batch[1])


@pytest.mark.parametrize("which", ["output", "policy_output"])
def test_the_message_says_what_was_called_and_with_what(which, request):
    pair = request.getfixturevalue(which)

    with pytest.raises(TypeError, match=rf"^softmax\(\) got a {type(pair).__name__}: in train\(\) the network returns"):
        torch.softmax(pair, dim=1)
    with pytest.raises(AttributeError, match=rf"^{type(pair).__name__} has no shape: in train\(\) the network returns"):
        _ = pair.shape


def test_what_nobody_has_is_named(output):
    with pytest.raises(AttributeError, match=r"^DASOutput has no attribute 'selections'$"):
        _ = output.selections


def test_a_plain_loss_inside_das_loss_takes_it(output, batch):
    focal = DASLoss(FocalLoss(to_onehot_y=True))

    assert focal(output, batch[1][:, None]).isfinite()


def test_the_pair_is_a_tuple_of_two(output):
    logits, selection = output

    assert logits is output.logits
    assert selection is output.selection
    assert len(output) == 2
    assert isinstance(output, DASOutput)


def test_trees_of_torch_go_through_it(output):
    moved = pytree.tree_map_only(torch.Tensor, lambda each: each.detach(), output)

    assert isinstance(moved, DASOutput)
    assert not moved.logits.requires_grad
    assert torch.equal(moved.selection.weights, output.selection.weights)


def test_the_pair_without_a_graph_can_be_copied_and_pickled(batch):
    with torch.no_grad():
        output = taught_network(DASUniformSampler(num_slices=2))(batch[0])

    for twin in (copy.deepcopy(output), pickle.loads(pickle.dumps(output))):
        assert isinstance(twin, DASOutput)
        torch.testing.assert_close(twin.logits, output.logits)


def test_the_answers_of_a_policy_come_with_the_pair(policy_output):
    assert isinstance(policy_output, DASPolicyOutput)
    assert policy_output._fields == ("logits", "selection", "chosen", "even")
