from itertools import permutations

import pytest
import torch
from torch import Tensor

from monai_das.samplers import PolicyTopKSampler
from monai_das.samplers.gumbel import gumbel_noise
from monai_das.samplers.policy_topk import sequence_log_prob

LOGITS = torch.tensor([0.4, -0.3, 1.0, 0.1])


def keys_of(order: tuple[int, ...]) -> Tensor:
    """Return keys that rank the slices in ``order`` first, the rest behind."""
    keys = torch.zeros(1, 4)
    for rank, place in enumerate(order):
        keys[0, place] = 10.0 - rank
    return keys


def log_prob(logits: Tensor, order: tuple[int, ...]) -> Tensor:
    return sequence_log_prob(logits[None], keys_of(order), torch.tensor([len(order)]))[0]


def test_probabilities_of_all_sequences_sum_to_one() -> None:
    total = sum(log_prob(LOGITS, order).exp().item() for order in permutations(range(4), 2))

    assert total == pytest.approx(1.0)


def test_a_sequence_has_the_product_of_its_draws() -> None:
    shares = torch.softmax(LOGITS, dim=0)

    wanted = shares[2] * shares[0] / (1.0 - shares[2])

    assert log_prob(LOGITS, (2, 0)).exp().item() == pytest.approx(wanted.item())


def expected_reward(logits: Tensor, reward: Tensor) -> Tensor:
    """Return the mean over all pairs drawn without replacement of the sum of their rewards, by enumeration."""
    orders = list(permutations(range(4), 2))
    return torch.stack([log_prob(logits, order).exp() * reward[list(order)].sum() for order in orders]).sum()


def test_reinforce_agrees_with_finite_differences_of_the_expected_reward() -> None:
    reward, step = torch.tensor([1.0, 0.2, -0.5, 0.7]), 1e-2
    logits = LOGITS.expand(200_000, -1).clone().requires_grad_()

    keys = logits.detach() + gumbel_noise(logits)
    chosen = keys.topk(2, dim=1).indices
    surrogate = (reward[chosen].sum(dim=1) - 0.7) * sequence_log_prob(logits, keys, torch.full((200_000,), 2))
    surrogate.mean().backward()

    gradient = logits.grad.sum(dim=0)
    for place in range(4):
        shift = step * torch.eye(4)[place]
        up, down = (expected_reward(LOGITS + sign * shift, reward) for sign in (1.0, -1.0))
        assert gradient[place].item() == pytest.approx(((up - down) / (2.0 * step)).item(), abs=0.01)


def test_the_gradient_goes_through_the_log_probability_alone() -> None:
    sampler = PolicyTopKSampler(num_slices=3).train()

    selection = sampler(torch.rand(2, 1, 8, 8, 9))

    assert selection.log_prob.requires_grad
    assert not selection.weights.requires_grad
    assert not selection.scores.requires_grad
    assert (selection.log_prob < 0).all()


def test_eval_takes_the_most_probable_slices() -> None:
    selection = PolicyTopKSampler(num_slices=3).eval()(torch.rand(2, 1, 8, 8, 9))

    torch.testing.assert_close(selection.scores.exp().sum(dim=1), torch.ones(2))
    assert torch.equal(selection.indices, selection.scores.topk(3, dim=1).indices.sort(dim=1).values)
    assert selection.log_prob.tolist() == [0.0, 0.0]
