import pytest
import torch

from monai_das.samplers import (
    DASCentreSampler,
    DASFullSampler,
    DASRandomSampler,
    DASTopVarianceSampler,
    DASUniformSampler,
)


def volume(batch: int, depth: int) -> torch.Tensor:
    return torch.rand(batch, 1, 4, 4, depth)


def test_full_keeps_every_real_slice_whatever_the_budget() -> None:
    selection = DASFullSampler(num_slices=2)(volume(2, 5), torch.tensor([5, 3]))

    assert selection.indices.tolist() == [[0, 1, 2, 3, 4], [0, 1, 2, 2, 2]]
    assert selection.kept.tolist() == [[True] * 5, [True] * 3 + [False] * 2]


@pytest.mark.parametrize("length", [1, 3, 4, 5, 28, 29, 300])
@pytest.mark.parametrize("k", [1, 2, 4, 7, 28])
def test_uniform_takes_the_middle_of_equal_parts(length: int, k: int) -> None:
    selection = DASUniformSampler(num_slices=k)(volume(1, length))

    rows = min(k, length)
    assert selection.indices[selection.kept].tolist() == [int((j + 0.5) * length / rows) for j in range(rows)]


def test_uniform_spreads_over_the_real_slices_of_each_case() -> None:
    selection = DASUniformSampler(num_slices=3)(volume(2, 12), torch.tensor([12, 6]))

    assert selection.indices.tolist() == [[2, 6, 10], [1, 3, 5]]
    assert selection.scores[1, :6].tolist() == [0, 1, 0, 1, 0, 1]


def test_centre_takes_the_middle_of_the_real_slices_of_each_case() -> None:
    selection = DASCentreSampler(num_slices=4)(volume(3, 12), torch.tensor([12, 7, 4]))

    assert selection.indices.tolist() == [[4, 5, 6, 7], [1, 2, 3, 4], [0, 1, 2, 3]]


def test_random_draws_every_slice_equally_often_in_training() -> None:
    selection = DASRandomSampler(num_slices=3).train()(volume(20_000, 7))

    share = selection.weights.sum(dim=(0, 1)) / 20_000
    torch.testing.assert_close(share, torch.full((7,), 3 / 7), atol=0.02, rtol=0.0)


def test_random_draws_afresh_for_each_case_and_step_in_training() -> None:
    sampler = DASRandomSampler(num_slices=3).train()

    one, two = sampler(volume(4, 50)), sampler(volume(4, 50))

    assert not torch.equal(one.indices, two.indices)
    assert len({tuple(row) for row in one.indices.tolist()}) > 1


def test_random_is_fixed_by_its_seed_in_eval() -> None:
    thumbnails = volume(2, 50)
    torch.manual_seed(1)
    one = DASRandomSampler(num_slices=3, seed=5).eval()(thumbnails)
    torch.manual_seed(2)
    two = DASRandomSampler(num_slices=3, seed=5).eval()(thumbnails)

    assert torch.equal(one.indices, two.indices)
    assert torch.equal(one.indices[0], one.indices[1])


def test_random_draws_every_slice_equally_often_over_seeds() -> None:
    thumbnails = volume(1, 7)

    share = sum(DASRandomSampler(num_slices=3, seed=seed).eval()(thumbnails).weights.sum(dim=1) for seed in range(1000))

    torch.testing.assert_close(share[0] / 1000, torch.full((7,), 3 / 7), atol=0.06, rtol=0.0)


def test_random_has_distinct_keys_for_more_slices_than_its_order_holds() -> None:
    keys = DASRandomSampler(num_slices=3).fixed_keys(torch.empty(1, 10_000))

    assert keys.unique().numel() == 10_000
    assert 0.0 <= keys.min() <= keys.max() < 1.0


def test_top_variance_takes_the_slices_of_highest_variance() -> None:
    thumbnails = volume(1, 6) * torch.tensor([0.1, 3.0, 0.2, 2.0, 1.0, 0.0]) + 1000.0

    selection = DASTopVarianceSampler(num_slices=2)(thumbnails)

    assert selection.indices.tolist() == [[1, 3]]
    torch.testing.assert_close(
        selection.scores[0], thumbnails.var(dim=(0, 1, 2, 3), correction=0), rtol=0.01, atol=1e-6
    )


def test_top_variance_between_finds_where_the_clip_changes() -> None:
    clip = torch.rand(1, 1, 4, 4, 1).repeat(1, 1, 1, 1, 8)
    clip[..., 5] += 1.0

    selection = DASTopVarianceSampler(num_slices=1, variance="between")(clip)

    assert selection.indices.tolist() == [[5]]


def test_unknown_variance_names_the_two() -> None:
    with pytest.raises(ValueError, match="variance must be 'within' or 'between', got 'temporal'"):
        DASTopVarianceSampler(num_slices=1, variance="temporal")
