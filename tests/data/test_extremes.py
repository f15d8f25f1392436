"""The slices with the lowest and highest value are found and fetched, and few others."""

import pytest
import torch

from monai_das.data.extremes import MOST_FETCHED, with_exact_range

STEP = 1000 / 255


def study(depth, peak=(), channels=1):
    """Exact thumbnails over a background of 0, with a highest value on every slice, and drawings of them in 8 bits."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.zeros(channels, 8, 8, depth)
    truth[:, 2:6, 2:6] = 500 * torch.rand(channels, 4, 4, depth, generator=generator)
    for place, value in peak:
        truth[:, 4, 4, place] = value
    return truth, ((truth + STEP * 0.2) / STEP).round() * STEP


def ranged(truth, drawn, probes=(0, 10, 20, 30, 39)):
    fetched = []

    def exact(place):
        fetched.append(place)
        return truth[..., place]

    known = {place: truth[..., place] for place in probes}
    return with_exact_range(drawn, STEP, known, exact), fetched


@pytest.mark.parametrize("channels", [1, 3])
def test_the_range_is_exact_though_no_probe_has_it(channels):
    truth, drawn = study(40, [(17, 880.0), (33, 700.0)], channels)

    found, fetched = ranged(truth, drawn)

    assert fetched == [17]
    assert (found.min(), found.max()) == (truth.min(), truth.max())
    assert torch.equal(found[..., 17], truth[..., 17])


def test_slices_that_all_reach_a_limit_are_not_all_fetched():
    truth, drawn = study(40, [(place, 1000.0) for place in range(40)])

    _, fetched = ranged(truth, drawn)

    assert fetched == []


def test_no_more_is_fetched_than_a_budget():
    generator = torch.Generator().manual_seed(1)
    truth, drawn = study(200, [(place, 600 + place) for place in range(200)])
    drawn[:, 4, 4] = 700 + 100 * torch.rand(200, generator=generator)

    found, fetched = ranged(truth, drawn)

    assert len(fetched) == len(set(fetched)) == MOST_FETCHED
    assert found.max() == max(truth[..., place].max() for place in (*fetched, 0, 10, 20, 30, 39))


def test_an_empty_study_has_no_range():
    found, fetched = ranged(torch.zeros(1, 8, 8, 40), torch.zeros(1, 8, 8, 40))

    assert (float(found.abs().max()), fetched) == (0.0, [])
