import pytest
import torch

from monai_das.samplers import DASEvenSampler, DASUniformSampler


def with_texture(depth: int, first: int, end: int, batch: int = 1) -> torch.Tensor:
    """Return a volume in air at -1000 HU whose slices ``first`` to ``end`` are not empty."""
    volume = torch.full((batch, 1, 8, 8, depth), -1000.0)
    volume[..., first:end] += 100.0 * torch.rand(8, 8, end - first)
    return volume


@pytest.mark.parametrize("k", [1, 3, 4, 7])
def test_without_empty_slices_it_is_uniform(k: int) -> None:
    volume = torch.rand(2, 1, 8, 8, 23)

    assert torch.equal(DASEvenSampler(k).eval()(volume).indices, DASUniformSampler(k)(volume).indices)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_it_spreads_over_the_slices_that_are_not_empty(k: int) -> None:
    selection = DASEvenSampler(k).eval()(with_texture(20, 6, 17))

    assert selection.indices[0].tolist() == [6 + int((j + 0.5) * 11 / k) for j in range(k)]
    assert selection.inclusion[0].tolist() == pytest.approx([0.0] * 6 + [k / 11] * 11 + [0.0] * 3)


def test_too_few_slices_with_texture_are_all_taken_among_evenly_spread_empty_ones() -> None:
    chosen = DASEvenSampler(5).eval()(with_texture(12, 5, 7)).indices[0].tolist()

    assert {5, 6} < set(chosen)
    assert chosen[0] < 5
    assert chosen[-1] > 6


def test_in_training_every_slice_that_is_not_empty_is_taken_equally_often() -> None:
    weights = DASEvenSampler(2).train()(with_texture(9, 2, 7, batch=4000)).weights

    share = weights.sum(dim=(0, 1)) / 4000
    torch.testing.assert_close(share, torch.tensor([0.0] * 2 + [0.4] * 5 + [0.0] * 2), atol=0.03, rtol=0.0)


def test_without_a_random_start_training_sees_what_the_test_sees() -> None:
    volume = with_texture(20, 3, 20)
    sampler = DASEvenSampler(4, random_start=False)

    assert torch.equal(sampler.train()(volume).indices, sampler.eval()(volume).indices)


def test_a_floor_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"floor must be in \(0, 1\), got 0.0"):
        DASEvenSampler(4, floor=0.0)
