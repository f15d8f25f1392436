"""A training writes what its cases look like into its weights, before the first step."""

import pytest
import torch
from ignite.engine import Engine

from monai_das.contract import training_cases
from monai_das.handlers import DASHoldTrainingCases
from monai_das.networks import DASMeanAggregation, DASSliceClassifier
from monai_das.samplers import DASTopVarianceSampler

TERMS = {"numbers": {"classes": ["a", "b"]}}


def network(contract):
    sampler, backbone = DASTopVarianceSampler(num_slices=2), torch.nn.Conv2d(1, 4, 3)
    return DASSliceClassifier(sampler, backbone, 2, DASMeanAggregation(), 4, thumbnail_size=8, contract=contract)


@pytest.fixture
def dataset():
    return [{"image": torch.rand(1, 20, 20, 5)} for _ in range(6)]


def test_every_file_of_weights_has_them(dataset):
    trained, average = network(TERMS), network(TERMS)
    trainer = Engine(lambda engine, batch: None)
    DASHoldTrainingCases([trained, average], dataset).attach(trainer)

    trainer.run([0])

    assert training_cases(trained.contract.read()).cases == 6
    assert torch.equal(trained.contract.text, average.contract.text)


def test_the_wrapper_of_several_processes_is_looked_through(dataset, process_group):
    trained = network(TERMS)

    DASHoldTrainingCases([torch.nn.parallel.DistributedDataParallel(trained)], dataset)(None)

    assert "training" in trained.contract.read()


def test_weights_that_hold_them_keep_them(dataset):
    tuned = network({**TERMS, "training": {"cases": 99}})

    DASHoldTrainingCases([tuned], dataset)(None)

    assert tuned.contract.read()["training"] == {"cases": 99}


def test_too_few_cases_are_not_described(dataset):
    trained = network(TERMS)

    DASHoldTrainingCases([trained], dataset[:2])(None)

    assert trained.contract.read() == TERMS


def test_a_network_without_a_contract_holds_them_too_and_takes_other_weights(dataset):
    plain = network(None)

    DASHoldTrainingCases([plain], dataset)(None)

    assert list(plain.contract.read()) == ["training"]
    plain.load_state_dict(network(TERMS).state_dict())
