import math

import pytest
import torch
from torch import Tensor

from monai_das.samplers import PerturbedTopKSampler, take_slices
from monai_das.samplers.perturbed_topk import ExpectedTopK, min_max

SIGMA = 0.4


def expected(scores: Tensor, noise: Tensor, rows: int) -> Tensor:
    counts = torch.full((scores.size(0),), rows)
    return ExpectedTopK.apply(scores, noise, SIGMA, counts, rows)


def test_of_two_slices_the_expectation_and_its_gradient_are_those_of_the_normal_distribution() -> None:
    scores = torch.tensor([[0.3, 0.1]], requires_grad=True)
    gap = 0.2 / (SIGMA * math.sqrt(2.0))

    share = expected(scores, torch.randn(400_000, 1, 2), 1)[0, 0, 0]
    share.backward()

    density = math.exp(-gap * gap / 2.0) / math.sqrt(2.0 * math.pi) / (SIGMA * math.sqrt(2.0))
    assert share.item() == pytest.approx(0.5 * (1.0 + math.erf(gap / math.sqrt(2.0))), abs=0.005)
    assert scores.grad.tolist()[0] == pytest.approx([density, -density], abs=0.02)


def test_the_gradient_agrees_with_finite_differences_of_the_smoothed_objective() -> None:
    scores = torch.tensor([[0.2, 0.5, 0.3, 0.9]], requires_grad=True)
    value = torch.randn(2, 4)
    noise = torch.randn(300_000, 1, 4)
    step = 0.1

    (expected(scores, noise, 2)[0] * value).sum().backward()

    for place in range(4):
        shift = step * torch.eye(4)[place]
        up, down = (expected(scores.detach() + sign * shift, noise, 2)[0] for sign in (1.0, -1.0))
        difference = ((up - down) * value).sum().item() / (2.0 * step)
        assert scores.grad[0, place].item() == pytest.approx(difference, abs=0.03)


def test_rows_are_sorted_by_position_and_blend_slices_in_training() -> None:
    sampler = PerturbedTopKSampler(num_slices=2, sigma=1.0).train()
    volume = torch.rand(1, 1, 4, 4, 6)

    selection = sampler(volume)

    centres = (selection.weights * torch.arange(6.0)).sum(dim=2)
    assert centres[0, 0] < centres[0, 1]
    assert ((selection.weights > 0) & (selection.weights < 1)).any()
    blend = torch.einsum("bkd,bchwd->bchwk", selection.weights, volume)
    torch.testing.assert_close(take_slices(volume, selection), blend)


def test_the_noise_falls_with_the_steps_and_is_part_of_the_state() -> None:
    sampler = PerturbedTopKSampler(num_slices=1, num_samples=50, sigma=5.0, decay_steps=2).train()
    volume = torch.rand(1, 1, 4, 4, 6)

    spreads = [int((sampler(volume).weights > 0).sum()) for _ in range(3)]

    assert spreads[0] > spreads[2]
    assert sampler.state_dict()["steps"].item() == 3


def test_scores_are_scaled_over_the_real_slices() -> None:
    scaled = min_max(torch.tensor([[2.0, 4.0, 3.0, 100.0], [7.0, 7.0, 7.0, 7.0]]), torch.tensor([3, 4]))

    assert scaled[0, :3].tolist() == [0.0, 1.0, 0.5]
    assert scaled[1].tolist() == [0.0] * 4


@pytest.mark.parametrize("wrong", [{"num_samples": 1}, {"sigma": 0.0}, {"decay_steps": -1}])
def test_impossible_arguments_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="num_samples must be at least 2, sigma positive and decay_steps not negative"):
        PerturbedTopKSampler(num_slices=2, **wrong)
