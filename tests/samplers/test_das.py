"""What DASSampler chooses; what every sampler promises is in test_contract.py."""

import pytest
import torch
from torch import nn

from monai_das.samplers import DASEvenSampler, DASGateSampler, DASSampler
from monai_das.samplers.das_parts import relative, standardised
from monai_das.samplers.features import slice_moments
from tests.samplers.das_cases import EMPTY, FAINT, falling_volume, preferring, steep, volume_with_empty_slices


def with_empty_slices(depth: int, empty: list[int]) -> torch.Tensor:
    volume = 10.0 * torch.rand(8, 2, 28, 28, depth) - 1000.0
    volume[..., empty] = -1000.0
    return volume


@pytest.mark.parametrize("variance", ["within", "between"])
@pytest.mark.parametrize("budget", [{"num_slices": 1}, {"num_slices": 7}, {"fraction": 0.4}], ids=str)
@pytest.mark.parametrize("empty", [[], [0, 1, 2, 9]], ids=["none", "some"])
def test_untrained_it_is_evenly_spread_over_the_slices_that_are_not_empty(
    variance: str, budget: dict[str, float], empty: list[int]
) -> None:
    thumbnails = with_empty_slices(24, empty)
    lengths = torch.tensor([24, 24, 20, 13, 9, 7, 4, 1])

    untrained = DASSampler(**budget, variance=variance).eval()(thumbnails, lengths)
    even = DASEvenSampler(**budget).eval()(thumbnails, lengths)

    assert torch.equal(untrained.indices, even.indices)
    assert torch.equal(untrained.kept, even.kept)
    torch.testing.assert_close(untrained.inclusion, even.inclusion)


def test_sure_scores_are_the_k_best() -> None:
    sampler = preferring(DASSampler(num_slices=2), 2, 6).eval()

    selection = sampler(falling_volume())

    assert selection.indices.tolist() == [[2, 6], [2, 6]]
    torch.testing.assert_close(selection.inclusion[0, [2, 6]], torch.ones(2), atol=1e-4, rtol=0.0)


def test_one_sure_slice_leaves_the_rest_of_the_budget_evenly_spread() -> None:
    sampler = preferring(DASSampler(num_slices=4), 0).eval()

    selection = sampler(torch.rand(1, 1, 16, 16, 31))

    assert selection.indices.tolist() == [[0, 6, 16, 26]]


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_the_probabilities_sum_to_the_budget(training: bool) -> None:
    selection = steep(DASSampler(num_slices=3)).train(training)(torch.rand(2, 1, 16, 16, 9), torch.tensor([9, 2]))

    torch.testing.assert_close(selection.inclusion.sum(dim=1), torch.tensor([3.0, 2.0]))


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("wanted", [EMPTY, FAINT], ids=["constant", "below floor"])
def test_an_empty_slice_is_never_chosen_while_k_others_remain(wanted: int, training: bool) -> None:
    thumbnails = volume_with_empty_slices()
    sampler = preferring(DASSampler(num_slices=7), EMPTY, FAINT).train(training)

    selection = sampler(thumbnails)

    assert (selection.scores[:, wanted] > 7.9).all()
    assert selection.kept.all()
    assert not (selection.indices == wanted).any()


@pytest.mark.parametrize("floor", [1e-4, 0.1])
def test_floor_says_what_counts_as_empty(floor: float) -> None:
    sampler = preferring(DASSampler(num_slices=1, floor=floor), FAINT).eval()

    assert (sampler(volume_with_empty_slices()).indices == FAINT).all() == (floor < 0.001)


def test_between_too_an_empty_slice_is_one_without_variance_of_its_own() -> None:
    thumbnails = volume_with_empty_slices()

    selection = preferring(DASSampler(num_slices=7, variance="between"), EMPTY).eval()(thumbnails)

    assert not (selection.indices == EMPTY).any()


def test_padding_does_not_decide_who_is_empty() -> None:
    thumbnails = falling_volume()
    thumbnails[1, ..., 4:] *= 1000.0

    selection = preferring(DASSampler(num_slices=2), 2, 3).eval()(thumbnails, torch.tensor([8, 4]))

    assert selection.indices.tolist() == [[2, 3], [2, 3]]


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_fewer_eligible_slices_than_rows_still_fill_all_rows(training: bool) -> None:
    thumbnails = torch.zeros(2, 1, 16, 16, 9)
    thumbnails[..., [1, 6]] = torch.randn(2, 1, 16, 16, 2)
    sampler = preferring(DASSampler(num_slices=5), 0, 8).train(training)

    selection = sampler(thumbnails)

    assert selection.kept.all()
    for row in selection.indices.tolist():
        assert len(set(row)) == 5
        assert {1, 6} <= set(row)


@pytest.mark.parametrize("floor", [0.0, 1.0])
def test_a_floor_that_is_no_share_is_refused(floor: float) -> None:
    with pytest.raises(ValueError, match=rf"floor must be in \(0, 1\), got {floor}"):
        DASSampler(num_slices=4, floor=floor)


def test_a_grid_too_small_for_edges_is_refused() -> None:
    with pytest.raises(ValueError, match="grid must be at least 3 pixels, got 2"):
        DASSampler(num_slices=1, grid=2)


def test_heads_that_cannot_share_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="dim must be a multiple of num_heads, got dim=32 and num_heads=5"):
        DASSampler(num_slices=4, num_heads=5)


def test_scores_are_float32_under_autocast_and_near_those_without() -> None:
    sampler = DASSampler(num_slices=4).eval()
    thumbnails = 3000.0 * torch.rand(2, 1, 16, 16, 9)
    nn.init.normal_(sampler.head[-1].weight, std=0.1)
    wanted = sampler(thumbnails)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        selection = sampler(thumbnails)

    assert selection.scores.dtype == torch.float32
    assert selection.penalty.dtype == torch.float32
    torch.testing.assert_close(selection.scores, wanted.scores, atol=0.03, rtol=0.02)


def test_torchscript_takes_another_budget() -> None:
    sampler = steep(DASSampler(num_slices=4)).eval()
    scripted = torch.jit.script(sampler)
    thumbnails, lengths = torch.rand(2, 1, 16, 16, 12), torch.tensor([12, 5])

    for budget in (1, 6):
        scripted.num_slices = sampler.num_slices = budget
        one, other = scripted(thumbnails, lengths), sampler(thumbnails, lengths)
        assert torch.equal(one.indices, other.indices)
        torch.testing.assert_close(one.scores, other.scores)


def test_a_frozen_script_keeps_its_budget() -> None:
    sampler = DASSampler(num_slices=4).eval()
    thumbnails = torch.rand(2, 1, 16, 16, 12)

    frozen = torch.jit.freeze(torch.jit.script(sampler))

    assert torch.equal(frozen(thumbnails).indices, sampler(thumbnails).indices)


def test_features_are_shares_of_the_largest_real_value() -> None:
    features = torch.tensor([[1.0, 4.0, 2.0, 100.0], [0.0, 0.0, 0.0, 5.0]])
    mask = torch.tensor([[True, True, True, False]] * 2)

    assert relative(features, mask)[:, :3].tolist() == [[0.25, 1.0, 0.5], [1.0, 1.0, 1.0]]


def test_standardising_forgets_offset_unit_and_padding() -> None:
    image = torch.randn(2, 1, 16, 16, 6)
    image[1, ..., 4:] = 1e4
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])

    weight = mask / mask.sum(dim=1, keepdim=True)

    plain, scaled = (standardised(one, *slice_moments(one), weight=weight) for one in (image, 50.0 * image - 1000.0))

    torch.testing.assert_close(plain[1, ..., :4].mean(), torch.tensor(0.0), atol=1e-5, rtol=0.0)
    torch.testing.assert_close(plain[1, ..., :4].std(correction=0), torch.tensor(1.0))
    torch.testing.assert_close(scaled, plain, atol=1e-3, rtol=1e-3)


def test_large_cases_one_at_a_time_choose_what_they_choose_together() -> None:
    sampler = steep(DASSampler(num_slices=3)).eval()
    thumbnails, lengths = torch.rand(3, 1, 24, 24, 9), torch.tensor([9, 6, 4])
    together = sampler(thumbnails, lengths)

    sampler.encoder.chunk = 1

    torch.testing.assert_close(sampler(thumbnails, lengths).scores, together.scores)


def test_weights_of_the_first_edition_say_who_takes_them() -> None:
    with pytest.raises(RuntimeError, match=r"of the first edition of DASSampler.* build DASGateSampler"):
        DASSampler(num_slices=4).load_state_dict(DASGateSampler(num_slices=4).state_dict())
