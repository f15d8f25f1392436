import math

import torch

from monai_das.samplers.gumbel import gumbel_noise, seeded_order, straight_through, top_k_soft_rows
from monai_das.samplers.selection import lowest, real_slices, select_top


def test_noise_is_finite_standard_gumbel_in_float32() -> None:
    noise = gumbel_noise(torch.empty(1000, 1000, dtype=torch.float16))

    assert noise.dtype == torch.float32
    assert noise.isfinite().all()
    assert abs(noise.mean() - 0.5772) < 0.01
    assert abs(noise.var() - math.pi**2 / 6) < 0.02


def test_the_highest_noisy_logit_follows_the_softmax() -> None:
    chances = torch.tensor([0.5, 0.3, 0.15, 0.05])

    winners = (chances.log() + gumbel_noise(torch.empty(40_000, 4))).argmax(dim=1)

    torch.testing.assert_close(winners.bincount(minlength=4) / 40_000, chances, atol=0.01, rtol=0.0)


def test_top_k_draws_without_replacement_with_the_chances_of_successive_draws() -> None:
    chances = torch.tensor([0.5, 0.3, 0.2])
    keys = chances.log() + gumbel_noise(torch.empty(40_000, 3))

    indices, _ = select_top(keys, torch.full((40_000,), 2), 2, torch.full((40_000,), 3))

    without_last = 0.5 * 0.3 / 0.5 + 0.3 * 0.5 / 0.7
    assert abs((indices == torch.tensor([0, 1])).all(dim=1).float().mean() - without_last) < 0.01


def test_a_seed_gives_one_order_and_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()

    order = seeded_order(100, seed=3)

    assert torch.equal(order, seeded_order(100, seed=3))
    assert not torch.equal(order, seeded_order(100, seed=4))
    assert order.sort().values.tolist() == list(range(100))
    assert torch.equal(before, torch.random.get_rng_state())


def test_straight_through_has_the_values_of_one_and_the_gradient_of_the_other() -> None:
    soft = torch.rand(3, 5, requires_grad=True)
    hard = torch.nn.functional.one_hot(soft.argmax(dim=1), 5).float()

    out = straight_through(hard, soft)
    (out * torch.arange(5.0)).sum().backward()

    assert torch.equal(out, hard)
    assert torch.equal(soft.grad, torch.arange(5.0).expand(3, -1))


def test_soft_rows_are_those_of_successive_masked_softmaxes() -> None:
    keys = torch.randn(2, 7)
    lengths = torch.tensor([7, 5])
    indices, _ = select_top(keys, torch.tensor([3, 3]), 3, lengths)

    soft = top_k_soft_rows(keys, indices, lengths, temperature=2.0)

    for case in range(2):
        left = keys[case].clone()
        left[lengths[case] :] = -math.inf
        for _ in range(3):
            winner = int(left.argmax())
            row = indices[case].tolist().index(winner)
            torch.testing.assert_close(soft[case, row], torch.softmax(left / 2.0, dim=0))
            left[winner] = -math.inf


def test_soft_rows_survive_extreme_keys() -> None:
    keys = torch.tensor([[1e30, -1e30, 0.0, lowest() / 2]], requires_grad=True)
    lengths = real_slices(keys, None)

    soft = top_k_soft_rows(keys, torch.tensor([[0, 1, 3]]), lengths, temperature=0.1)
    soft.square().sum().backward()

    torch.testing.assert_close(soft.sum(dim=2), torch.ones(1, 3))
    assert keys.grad.isfinite().all()
