import math
from fractions import Fraction

import pytest
import torch

from monai_das.samplers import DASTopVarianceSampler, DPSSampler, Sampler
from monai_das.samplers.selection import real_slices, rounded_half_up, select_top, widened


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({}, "give num_slices or fraction, one of them, got num_slices=None and fraction=None"),
        ({"num_slices": 4, "fraction": 0.5}, "give num_slices or fraction, .* got num_slices=4 and fraction=0.5"),
        ({"num_slices": 0}, "num_slices must be at least 1, got 0"),
        ({"fraction": 0.0}, r"fraction must be in \(0, 1\], got 0\.0"),
        ({"fraction": 1.5}, r"fraction must be in \(0, 1\], got 1\.5"),
    ],
)
def test_an_impossible_budget_is_named(budget: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DASTopVarianceSampler(**budget)


def test_slices_smaller_than_the_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"thumbnails must be at least 3 x 3 pixels, got .*2, 8, 9"):
        DPSSampler(num_slices=4)(torch.rand(1, 1, 2, 8, 9))


def test_the_interface_alone_chooses_nothing() -> None:
    with pytest.raises(NotImplementedError, match=r"a Sampler implements forward\(thumbnails, lengths\) -> Selection"):
        Sampler(num_slices=4)(torch.rand(1, 1, 8, 8, 9))


@pytest.mark.parametrize("depth", range(1, 60))
def test_the_share_of_slices_is_rounded_half_up_and_never_zero(depth: int) -> None:
    assert [rounded_half_up(part * depth, 10) for part in range(1, 11)] == [
        max(1, math.floor((2 * part * depth + 10) / 20)) for part in range(1, 11)
    ]


@pytest.mark.parametrize("fraction", ["0.1", "0.25", "0.3", "0.5", "1.0"])
def test_each_case_keeps_its_own_share(fraction: str) -> None:
    wanted = [max(1, math.floor(Fraction(fraction) * length + Fraction(1, 2))) for length in range(1, 41)]

    rows, counts = DASTopVarianceSampler(fraction=float(fraction)).budget(torch.arange(1, 41), 40)

    assert counts.tolist() == wanted
    assert rows == wanted[-1]


def test_widening_goes_from_the_budget_to_all_slices() -> None:
    budget, lengths = torch.tensor([4, 4, 2]), torch.tensor([64, 4, 2])

    assert [widened(budget, lengths, share).tolist() for share in (0.0, 0.5, 1.0)] == [
        [4, 4, 2],
        [16, 4, 2],
        [64, 4, 2],
    ]


def test_no_number_can_push_a_padded_slice_into_the_choice() -> None:
    keys = torch.tensor([[math.nan, -math.inf, 1.0, math.inf, 9.0]])
    lengths = real_slices(keys, torch.tensor([3]))

    indices, kept = select_top(keys, torch.tensor([3]), 4, lengths)

    assert indices.tolist() == [[0, 1, 2, 2]]
    assert kept.tolist() == [[True, True, True, False]]
