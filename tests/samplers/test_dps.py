import pytest
import torch

from monai_das.samplers import DPSSampler, take_slices
from monai_das.samplers.dps import at_slices


def test_it_learns_which_two_positions_inform() -> None:
    network = torch.nn.ModuleDict({"sampler": DPSSampler(num_slices=2, depth=12), "head": torch.nn.Linear(1, 1)})
    optimizer = torch.optim.Adam(network.parameters(), 0.05)

    for _ in range(200):
        label = torch.randint(0, 2, (64,)).float()
        volume = torch.randn(64, 1, 4, 4, 12)
        volume[..., [3, 8]] += 2.0 * label[:, None, None, None, None] - 1.0
        slices = take_slices(volume, network["sampler"](volume))
        logits = network["head"](slices.mean(dim=(1, 2, 3, 4))[:, None])[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    assert network["sampler"].eval()(volume[:1]).indices.tolist() == [[3, 8]]


def test_all_cases_get_the_same_slices_in_eval_and_their_own_in_training() -> None:
    sampler = DPSSampler(num_slices=3, depth=20)
    volume = torch.rand(8, 1, 4, 4, 20)

    still, noisy = sampler.eval()(volume), sampler.train()(volume)

    assert len({tuple(row) for row in still.indices.tolist()}) == 1
    assert len({tuple(row) for row in noisy.indices.tolist()}) > 1


def test_gradients_reach_the_logits_of_slices_that_were_not_chosen() -> None:
    sampler = DPSSampler(num_slices=2, depth=6).train()

    selection = sampler(torch.rand(1, 1, 4, 4, 6))
    (selection.weights * torch.arange(6.0)).sum().backward()

    assert set(selection.weights.unique().tolist()) == {0.0, 1.0}
    assert (sampler.logits.grad != 0).sum() > 2


def test_noise_in_eval_is_an_option() -> None:
    sampler = DPSSampler(num_slices=3, depth=20, noise_at_eval=True).eval()
    volume = torch.rand(8, 1, 4, 4, 20)

    selection = sampler(volume)

    assert len({tuple(row) for row in selection.indices.tolist()}) > 1
    assert not selection.weights.requires_grad


def test_the_grid_is_the_logits_of_a_case_of_its_size() -> None:
    grid = torch.randn(1, 7).expand(3, -1)

    values = at_slices(grid, torch.tensor([7, 7, 14]), 14)

    assert torch.equal(values[:2, :7], grid[:2])
    torch.testing.assert_close(values[2, [0, 13]], grid[2, [0, 6]])
    torch.testing.assert_close(values[2, 1], 0.75 * grid[2, 0] + 0.25 * grid[2, 1])


def test_a_single_slice_sits_in_the_middle_of_the_grid() -> None:
    assert at_slices(torch.tensor([[0.0, 1.0, 5.0]]), torch.tensor([1]), 1).tolist() == [[1.0]]


def test_the_initial_spread_and_the_rate_are_those_of_the_source() -> None:
    sampler = DPSSampler(num_slices=2, depth=10_000)

    assert abs(sampler.logits.std() - 0.25) < 0.01
    assert sampler.lr_multiplier == 10.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 0}, "depth must be at least 1 grid point, got 0"),
        ({"temperature": 0.0}, r"temperature must be positive, got 0\.0"),
    ],
)
def test_impossible_arguments_are_named(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DPSSampler(num_slices=2, **arguments)
