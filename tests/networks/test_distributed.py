"""Two processes train together: the mean of their gradients, and nobody waits for what a loss leaves out."""

import warnings

import pytest
import torch
from torch import multiprocessing, nn
from torch.nn import functional

from monai_das.losses import DASLoss
from monai_das.samplers import DASUniformSampler
from tests.networks.taught import gradients_of_sum, taught_network, two_batches
from tests.networks.two_processes import work


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the two processes left behind; they are started once."""
    folder = tmp_path_factory.mktemp("meeting")
    multiprocessing.spawn(work, args=(str(folder),), nprocs=2)
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


@pytest.mark.parametrize("settings", ["das", "found unused"])
def test_each_process_gets_the_mean_of_both_gradients(found, settings):
    wanted = [gradient / 2 for gradient in gradients_of_sum(taught_network(), two_batches())]

    for process in found:
        torch.testing.assert_close(process[settings], wanted)


def test_a_loss_that_ignores_the_selection_is_not_waited_for(found):
    network = taught_network()
    with warnings.catch_warnings(action="ignore"):  # that nothing teaches the sampler is the point
        losses = [functional.cross_entropy(network(volume).logits, target) for volume, target in two_batches()]
        wanted = torch.autograd.grad(sum(losses) / 2, list(network.parameters()), materialize_grads=True)

    for process in found:
        torch.testing.assert_close(process["ignores scores"], list(wanted))
    assert not any(each.any() for each in wanted[: len(list(network.sampler.parameters()))])


def test_a_policy_learns_the_same_in_both_processes(found):
    torch.testing.assert_close(found[0]["policy"], found[1]["policy"], rtol=0.0, atol=0.0)


def test_a_sampler_without_parameters_leaves_the_logits_alone(process_group):
    network = taught_network(DASUniformSampler(num_slices=2))
    network.head = nn.Linear(4, 2)
    volume, target = two_batches()[0]

    output = network(volume)

    assert type(output.logits.grad_fn).__name__ == "AddmmBackward0"
    DASLoss()(output, target).backward()
