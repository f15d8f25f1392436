import torch
from ignite.engine import Engine
from monai.transforms import Compose, RandGaussianNoise

from monai_das.handlers import DASEpochSeed


def draws(done, epochs=4):
    """Run an engine from epoch ``done`` and return what torch and a random transform draw in each epoch."""
    transforms = Compose([RandGaussianNoise(prob=1.0)])
    seen = []

    def step(engine, batch):
        seen.append((torch.rand(1).item(), transforms(torch.zeros(1, 2)).sum().item()))

    engine = Engine(step)
    DASEpochSeed(7, transforms).attach(engine)
    engine.load_state_dict({"epoch_length": 1, "max_epochs": epochs, "epoch": done})
    engine.run(range(1))
    return seen


def test_a_resumed_training_draws_what_the_whole_one_drew():
    whole = draws(done=0)

    assert len(set(whole)) == 4
    assert draws(done=2) == whole[2:]


def test_seeds_differ_between_neighbours():
    seeds = {DASEpochSeed(seed).seed_of(epoch, rank) for seed in range(4) for epoch in range(9) for rank in range(4)}

    assert len(seeds) == 4 * 9 * 4


def test_transforms_are_optional():
    engine = Engine(lambda engine, batch: None)
    engine.state.epoch = 1

    DASEpochSeed(3)(engine)
    first = torch.rand(1)
    DASEpochSeed(3)(engine)

    assert torch.rand(1) == first
