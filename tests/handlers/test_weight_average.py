import pytest
import torch
from ignite.engine import Engine
from torch import nn

from monai_das.handlers import DASWeightAverage


def layer_and_values(steps=9):
    """Return a layer, and a function that gives its weights those of step n."""
    layer = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    torch.manual_seed(5)
    values = [torch.randn(2, 3) for _ in range(steps)]

    def move(step):
        with torch.no_grad():
            layer[0].weight.copy_(values[step - 1])

    return layer, move


def test_a_share_of_one_is_the_mean_of_all_steps():
    layer, move = layer_and_values()
    average = DASWeightAverage(layer, share=1.0)

    seen = []
    for step in range(1, 10):
        move(step)
        seen.append(layer[0].weight.detach().clone())
        average.update(step)

    torch.testing.assert_close(average.network[0].weight, torch.stack(seen).mean(0))


def test_the_weight_of_a_step_falls_as_the_training_grows():
    layer, _ = layer_and_values()
    average = DASWeightAverage(layer, share=0.5)
    average.network[0].weight.zero_()
    nn.init.ones_(layer[0].weight)

    average.update(5)

    torch.testing.assert_close(average.network[0].weight, torch.full((2, 3), 1.0 / 3.0))


def test_the_first_step_leaves_nothing_of_the_start_value():
    layer, move = layer_and_values()
    average = DASWeightAverage(layer)

    move(1)
    average.update(1)

    assert torch.equal(average.network[0].weight, layer[0].weight)


def test_a_training_resumed_by_step_ends_in_the_same_weights():
    layer, move = layer_and_values()
    whole, first = DASWeightAverage(layer), DASWeightAverage(layer)
    for step in range(1, 10):
        move(step)
        whole.update(step)
        if step <= 4:
            first.update(step)

    resumed = DASWeightAverage(layer)
    resumed.network.load_state_dict(first.network.state_dict())
    for step in range(5, 10):
        move(step)
        resumed.update(step)

    assert torch.equal(resumed.network[0].weight, whole.network[0].weight)


def test_a_parameter_that_is_frozen_stays_equal_to_the_last_bit():
    layer, move = layer_and_values()
    layer[1].requires_grad_(False)
    nn.init.normal_(layer[1].weight)
    average = DASWeightAverage(layer, share=0.3)

    for step in range(1, 10):
        move(step)
        average.update(step)

    assert torch.equal(average.network[1].weight, layer[1].weight)


def test_statistics_are_averaged_and_counters_copied():
    layer, _ = layer_and_values()
    average = DASWeightAverage(layer, share=1.0)
    seen = []

    for step in range(1, 4):
        layer(torch.randn(8, 3))
        seen.append(layer[1].running_mean.clone())
        average.update(step)

    torch.testing.assert_close(average.network[1].running_mean, torch.stack(seen).mean(0))
    assert average.network[1].num_batches_tracked == 3


def test_shared_weights_count_once():
    layer = nn.Linear(1, 1)
    network = nn.ModuleList([layer, layer])
    average = DASWeightAverage(network, share=1.0)

    for step, value in enumerate((1.0, 2.0, 3.0), start=1):
        nn.init.constant_(layer.weight, value)
        average.update(step)

    assert average.network[0].weight.item() == pytest.approx(2.0)


def test_the_copy_is_in_eval_and_learns_nothing_while_the_network_does():
    layer, _ = layer_and_values()

    average = DASWeightAverage(layer.train())

    assert not any(module.training for module in average.network.modules())
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
    assert all(module.training for module in layer.modules())
    assert all(parameter.requires_grad for parameter in layer.parameters())


def test_an_engine_updates_it_after_every_iteration():
    layer, move = layer_and_values()
    by_hand, attached = DASWeightAverage(layer), DASWeightAverage(layer)
    engine = Engine(lambda engine, batch: move(engine.state.iteration))
    attached.attach(engine)

    engine.run(range(4), max_epochs=2)
    for step in range(1, 9):
        move(step)
        by_hand.update(step)

    assert torch.equal(attached.network[0].weight, by_hand.network[0].weight)


def test_the_network_inside_a_distributed_wrapper_is_averaged(process_group):
    layer, move = layer_and_values()
    average = DASWeightAverage(nn.parallel.DistributedDataParallel(layer))

    move(1)
    average.update(1)

    assert torch.equal(average.network[0].weight, layer[0].weight)


@pytest.mark.parametrize("share", [0.0, -1.0, float("nan")])
def test_a_share_of_nothing_is_refused(share):
    with pytest.raises(ValueError, match=f"share must be above 0, got {share}"):
        DASWeightAverage(nn.Linear(1, 1), share)
