import pytest
import torch
from ignite.engine import Engine

from monai_das.handlers import DASBudgetSchedule
from monai_das.samplers import DASSampler, DASTopVarianceSampler


@pytest.fixture
def sampler():
    return DASTopVarianceSampler(num_slices=2)


def widenings(sampler, schedule, epochs, iterations=4, done=0):
    """Run an engine from iteration ``done`` and return the widening seen in each of its steps."""
    seen = []
    engine = Engine(lambda engine, batch: seen.append(round(sampler.widening, 4)))
    schedule.attach(engine)
    engine.load_state_dict({"epoch_length": iterations, "max_epochs": epochs, "iteration": done})
    engine.run(range(iterations))
    return seen


def test_the_budget_is_held_falls_within_epochs_and_stays(sampler):
    schedule = DASBudgetSchedule(sampler, hold_epochs=1, end_epoch=2, shape="linear")

    assert widenings(sampler, schedule, epochs=3) == [1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0, 0, 0, 0]


def test_a_resumed_training_goes_on_where_it_stopped(sampler):
    schedule = DASBudgetSchedule(sampler, hold_epochs=0.5, end_epoch=2.5)

    whole = widenings(sampler, schedule, epochs=3)
    resumed = widenings(sampler, schedule, epochs=3, done=4)

    assert resumed == whole[4:]


def test_cosine_starts_and_ends_flat(sampler):
    schedule = DASBudgetSchedule(sampler, hold_epochs=0, end_epoch=10)

    assert [round(schedule.value(epoch), 3) for epoch in (0, 1, 5, 9, 10)] == [1, 0.976, 0.5, 0.024, 0]


def test_end_at_zero_means_the_budget_is_k_from_the_start(sampler):
    assert widenings(sampler, DASBudgetSchedule(sampler, 0, 0), epochs=1) == [0, 0, 0, 0]


def test_hold_up_to_the_end_is_a_step(sampler):
    assert widenings(sampler, DASBudgetSchedule(sampler, 1, 1), epochs=2) == [1, 1, 1, 1, 0, 0, 0, 0]


def test_an_engine_of_unknown_length_moves_once_per_epoch(sampler):
    schedule = DASBudgetSchedule(sampler, hold_epochs=0, end_epoch=2, shape="linear")
    engine = Engine(lambda engine, batch: None)
    engine.state.epoch_length, engine.state.epoch, engine.state.iteration = None, 2, 7

    schedule(engine)

    assert sampler.widening == 0.5


def test_other_numbers_of_every_sampler_can_be_scheduled(sampler):
    network = torch.nn.ModuleList([sampler, DASTopVarianceSampler(num_slices=3)])
    schedule = DASBudgetSchedule(network, 0, 4, attribute="lr_multiplier", start=3.0, end=1.0, shape="linear")
    engine = Engine(lambda engine, batch: None)
    engine.state.epoch_length, engine.state.iteration = 1, 3

    schedule(engine)

    assert [part.lr_multiplier for part in network] == [2.0, 2.0]


@pytest.mark.parametrize(("hold", "end"), [(-1, 2), (3, 2)])
def test_times_the_wrong_way_round_are_refused(sampler, hold, end):
    with pytest.raises(ValueError, match=rf"0 <= hold_epochs <= end_epoch, got hold_epochs={hold} and end_epoch={end}"):
        DASBudgetSchedule(sampler, hold, end)


def test_unknown_shape_lists_the_known(sampler):
    with pytest.raises(ValueError, match=r"one of \('cosine', 'linear'\), got 'step'"):
        DASBudgetSchedule(sampler, 0, 1, shape="step")


def test_a_network_without_such_a_sampler_is_refused(sampler):
    with pytest.raises(ValueError, match=r"no sampler of Linear has the attribute 'widening'"):
        DASBudgetSchedule(torch.nn.Linear(1, 1), 0, 1)
    with pytest.raises(ValueError, match=r"no sampler of DASTopVarianceSampler has the attribute 'heat_of_sun'"):
        DASBudgetSchedule(sampler, 0, 1, attribute="heat_of_sun")


def test_in_a_loop_of_ones_own_the_epoch_may_be_a_fraction(sampler):
    schedule = DASBudgetSchedule(sampler, hold_epochs=1, end_epoch=2, shape="linear")
    seen = []

    for epoch in (0, 1, 1.25, 1.75, 2, 5, 0.5):
        schedule.step(epoch)
        seen.append(sampler.widening)

    assert seen == [1.0, 1.0, 0.75, 0.25, 0.0, 0.0, 1.0]


def test_a_step_is_what_an_engine_does(sampler):
    schedule = DASBudgetSchedule(sampler, hold_epochs=0.5, end_epoch=2.5)
    by_hand = []

    for iteration in range(12):
        schedule.step(iteration / 4)
        by_hand.append(round(sampler.widening, 4))

    assert by_hand == widenings(sampler, schedule, epochs=3)


def test_the_samplers_inside_a_distributed_wrapper_are_moved(process_group):
    network = torch.nn.ModuleList([DASSampler(num_slices=2), DASTopVarianceSampler(num_slices=3)])

    DASBudgetSchedule(torch.nn.parallel.DistributedDataParallel(network), 0, 4, shape="linear").step(3)

    assert [part.widening for part in network] == [0.25, 0.25]
