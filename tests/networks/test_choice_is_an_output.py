"""Whatever happens between forward and loss, the gradient is that of the plain sum of losses."""

import copy

import pytest
import torch
from monai.engines import SupervisedTrainer
from torch import nn

from monai_das.handlers import DASPrepareBatch, DASSplitOutput
from monai_das.losses import DASLoss
from tests.networks.taught import explicit_loss, gradients_in, gradients_of_sum, taught_network, two_batches


@pytest.fixture
def network():
    return taught_network()


@pytest.fixture
def batches():
    return two_batches()


def test_the_two_batches_tell_right_from_wrong(network, batches):
    penalties = [network(volume).selection.penalty.mean().item() for volume, _ in batches]
    gradients = gradients_of_sum(network, batches)

    assert abs(penalties[0] - penalties[1]) > 0.02 * max(penalties)
    assert min(penalties) > 0.01
    # where all slices are seen, their probability is 1 and has nothing to correct
    names = [name for name, _ in network.named_parameters()]
    still = [name for name, gradient in zip(names, gradients, strict=True) if not gradient.any()]
    assert still == ["aggregation.design"]


def test_the_loss_is_the_explicit_sum_of_task_penalty_and_lesson(network, batches):
    for volume, target in batches:
        torch.testing.assert_close(DASLoss()(network(volume), target), explicit_loss(network, (volume, target)))


def test_two_forward_passes_before_one_loss(network, batches):
    loss = DASLoss()

    outputs = [network(volume) for volume, _ in batches]
    (loss(outputs[0], batches[0][1]) + loss(outputs[1], batches[1][1])).backward()

    torch.testing.assert_close(gradients_in(network), gradients_of_sum(network, batches))


def test_losses_in_another_order_than_the_forward_passes(network, batches):
    outputs = [network(volume) for volume, _ in batches]

    for output, (_, target) in reversed(list(zip(outputs, batches, strict=True))):
        DASLoss()(output, target).backward()

    torch.testing.assert_close(gradients_in(network), gradients_of_sum(network, batches))


def test_a_pass_in_eval_between_forward_and_loss(network, batches):
    (volume, target), (other, _) = batches

    output = network(volume)
    with torch.no_grad():
        network.eval()(other)
    DASLoss()(output, target).backward()

    torch.testing.assert_close(gradients_in(network), gradients_of_sum(network.train(), batches[:1]))


def test_accumulation_over_two_batches(network, batches):
    for volume, target in batches:
        DASLoss()(network(volume), target).backward()

    torch.testing.assert_close(gradients_in(network), gradients_of_sum(network, batches))


def test_accumulation_by_the_trainer_of_monai(network, batches):
    wanted = [gradient / 2 for gradient in gradients_of_sum(network, batches)]
    before = [parameter.detach().clone() for parameter in network.parameters()]
    trainer = SupervisedTrainer(
        device="cpu",
        max_epochs=1,
        train_data_loader=[{"image": volume, "label": target} for volume, target in batches],
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=1.0),
        loss_function=DASLoss(),
        prepare_batch=DASPrepareBatch(),
        train_handlers=[DASSplitOutput()],
        accumulation_steps=2,
    )

    trainer.run()

    steps = [old - new.detach() for old, new in zip(before, network.parameters(), strict=True)]
    torch.testing.assert_close(steps, wanted, rtol=1e-4, atol=1e-6)


def test_a_deep_copy_between_forward_and_loss(network, batches):
    volume, target = batches[0]

    output = network(volume)
    twin = copy.deepcopy(network)
    twin_output = twin(volume)
    DASLoss()(output, target).backward()
    before = gradients_in(twin)
    DASLoss()(twin_output, target).backward()

    wanted = gradients_of_sum(network, batches[:1])
    torch.testing.assert_close(gradients_in(network), wanted)
    torch.testing.assert_close(gradients_in(twin), wanted)
    assert not any(gradient.any() for gradient in before)


def test_a_parallel_network_of_one_process(network, batches, process_group):
    parallel = nn.parallel.DistributedDataParallel(network)

    for volume, target in batches:
        DASLoss()(parallel(volume), target).backward()

    torch.testing.assert_close(gradients_in(network), gradients_of_sum(network, batches))
