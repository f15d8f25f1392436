import pytest
import torch

from monai_das.metrics import DASSelectionMetric, covered_share, distinct_share, empty_share


@pytest.fixture
def volume():
    """Six slices of two cases, of which only 2, 3 and 4 have a texture."""
    volume = torch.ones(2, 1, 8, 8, 6)
    volume[..., 2:5] = torch.rand(2, 1, 8, 8, 3)
    return volume


def test_empty_share_counts_constant_slices_among_the_chosen(volume):
    chosen = torch.tensor([[0, 1, 2, 3], [2, 3, 4, -1]])

    assert empty_share(volume, chosen).tolist() == [0.5, 0.0]


def test_faint_noise_counts_as_empty_within_the_tolerance(volume):
    noisy = volume + 0.01 * torch.rand_like(volume)
    chosen = torch.tensor([[0, 2], [0, 1]])

    assert empty_share(noisy, chosen).tolist() == [0.0, 0.0]
    assert empty_share(noisy, chosen, tolerance=0.02).tolist() == [0.5, 1.0]


def test_distinct_share_counts_a_repeated_slice_once(volume):
    chosen = torch.tensor([[3, 3, 3, 3], [0, 1, 5, -1]])

    assert distinct_share(volume, chosen).tolist() == [0.25, 1.0]


def test_covered_share_is_of_the_informative_slices(volume):
    chosen = torch.tensor([[0, 2, 2, 5], [2, 3, 4, -1]])

    assert covered_share(volume, chosen).tolist() == [pytest.approx(1 / 3), 1.0]


def test_nothing_to_cover_is_covered():
    assert covered_share(torch.zeros(1, 1, 8, 8, 4), torch.tensor([[0]])).tolist() == [1.0]


@pytest.mark.parametrize(("measure", "expected"), [("empty", 0.25), ("distinct", 1.0), ("covered", 1.0)])
def test_metric_is_the_mean_over_the_cases_of_all_batches(volume, measure, expected):
    metric = DASSelectionMetric(measure)

    metric(volume[:1], torch.tensor([[0, 2, 3, 4]]))
    metric(volume[1:], torch.tensor([[1, 2, 3, 4]]))

    assert metric.aggregate().item() == pytest.approx(expected)


def test_unknown_measure_lists_the_known():
    with pytest.raises(ValueError, match=r"one of \['covered', 'distinct', 'empty'\], got 'full'"):
        DASSelectionMetric("full")


def test_wrong_shapes_say_what_was_wanted(volume):
    with pytest.raises(ValueError, match=r"indices \(B, k\), got \(1, 8, 8, 6\) and \(4,\)"):
        DASSelectionMetric()(volume[0], torch.arange(4))
    with pytest.raises(ValueError, match=r"got \(2, 1, 8, 8, 6\) and None"):
        DASSelectionMetric()(volume)


def test_no_case_says_what_to_call():
    with pytest.raises(ValueError, match=r"no case was seen; call metric\(volume, chosen\)"):
        DASSelectionMetric().aggregate()
