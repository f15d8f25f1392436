"""What DASSampler chooses; what every sampler promises is in test_contract.py."""

import pytest
import torch
from torch import nn

from monai_das.samplers import DASSampler, DASTopVarianceSampler
from monai_das.samplers.das_parts import relative, standardised
from monai_das.samplers.features import slice_moments
from tests.samplers.das_cases import EMPTY, FAINT, falling_volume, preferring, steep, volume_with_empty_slices


@pytest.mark.parametrize("variance", ["within", "between"])
@pytest.mark.parametrize("budget", [{"num_slices": 1}, {"num_slices": 7}, {"fraction": 0.4}], ids=str)
@pytest.mark.parametrize("offset", [0.0, -1000.0])
def test_untrained_it_is_top_variance(variance: str, budget: dict[str, float], offset: float) -> None:
    thumbnails = 10.0 * torch.rand(8, 2, 28, 28, 24) + offset
    lengths = torch.tensor([24, 24, 20, 13, 9, 7, 4, 1])

    learned = DASSampler(**budget, variance=variance).eval()(thumbnails, lengths)
    control = DASTopVarianceSampler(**budget, variance=variance).eval()(thumbnails, lengths)

    assert torch.equal(learned.indices, control.indices)
    assert torch.equal(learned.kept, control.kept)


def test_untrained_nothing_is_penalised() -> None:
    selection = DASSampler(num_slices=3).train()(torch.rand(2, 1, 16, 16, 8))

    assert selection.penalty.tolist() == [0.0, 0.0]


def test_the_residual_can_put_the_lowest_variance_first() -> None:
    thumbnails = falling_volume()

    untrained = DASSampler(num_slices=2).eval()(thumbnails)
    trained = preferring(DASSampler(num_slices=2), 6, 7).eval()(thumbnails)

    assert untrained.indices.tolist() == [[0, 1], [0, 1]]
    assert trained.indices.tolist() == [[6, 7], [6, 7]]


@pytest.mark.parametrize("bound", [0.5, 4.0])
def test_the_residual_keeps_within_its_bound(bound: float) -> None:
    thumbnails = torch.rand(4, 1, 16, 16, 12)
    sampler = steep(DASSampler(num_slices=3, bound=bound)).eval()
    nn.init.zeros_(sampler.heat.weight)
    nn.init.zeros_(sampler.heat.bias)

    moved = sampler(thumbnails).scores - DASSampler(num_slices=3).eval()(thumbnails).scores

    assert moved.abs().max() <= bound * 1.001
    assert moved.abs().max() > bound / 2


def test_a_small_bound_cannot_overturn_a_large_difference() -> None:
    thumbnails = falling_volume()

    assert preferring(DASSampler(num_slices=1, bound=0.1), 7).eval()(thumbnails).indices.tolist() == [[0], [0]]


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("wanted", [EMPTY, FAINT], ids=["constant", "below floor"])
def test_an_empty_slice_is_never_chosen_while_k_others_remain(wanted: int, training: bool) -> None:
    thumbnails = volume_with_empty_slices()
    sampler = preferring(DASSampler(num_slices=7, bound=1000.0, noise=5.0), EMPTY, FAINT).train(training)

    selection = sampler(thumbnails)

    assert (selection.scores[:, wanted] > 900).all()
    assert selection.kept.all()
    assert not (selection.indices == wanted).any()


@pytest.mark.parametrize("floor", [1e-4, 0.1])
def test_floor_says_what_counts_as_empty(floor: float) -> None:
    sampler = preferring(DASSampler(num_slices=1, bound=1000.0, floor=floor), FAINT).eval()

    assert (sampler(volume_with_empty_slices()).indices == FAINT).all() == (floor < 0.001)


def test_between_too_an_empty_slice_is_one_without_variance_of_its_own() -> None:
    thumbnails = volume_with_empty_slices()

    selection = preferring(DASSampler(num_slices=7, bound=1000.0, variance="between"), EMPTY).eval()(thumbnails)

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


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_empty_slices_too_are_taken_by_variance(training: bool) -> None:
    thumbnails = torch.randn(4, 1, 16, 16, 30) * (0.001 * torch.rand(4, 1, 1, 1, 30))
    thumbnails[..., 11] += torch.randn(16, 16)
    lengths = torch.tensor([30, 30, 20, 12])
    sampler = preferring(DASSampler(num_slices=5), 0, 1, 2).train(training)

    selection = sampler(thumbnails, lengths)

    control = DASTopVarianceSampler(num_slices=5)(thumbnails, lengths)
    assert torch.equal(selection.indices, control.indices)


@pytest.mark.parametrize("wrong", [{"bound": 0.0}, {"temperature": 0.0}], ids=str)
def test_numbers_that_make_no_score_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"bound and temperature must be above 0, got bound=.* and temperature="):
        DASSampler(num_slices=4, **wrong)


@pytest.mark.parametrize("floor", [0.0, 1.0])
def test_a_floor_that_is_no_share_is_refused(floor: float) -> None:
    with pytest.raises(ValueError, match=rf"floor must be in \(0, 1\), got {floor}"):
        DASSampler(num_slices=4, floor=floor)


def test_a_finer_grid_sees_what_a_coarse_one_averages_away() -> None:
    """Slice 3 is a checkerboard of single pixels, of zero mean in every block of 2 x 2; the others are smooth."""
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    thumbnails = 0.1 * columns[:, :, None].expand(-1, -1, 6).clone()
    thumbnails[:, :, 3] = 10.0 * (1.0 - 2.0 * ((rows + columns) % 2))

    coarse, fine = (DASSampler(num_slices=1, grid=grid).eval()(thumbnails[None, None]) for grid in (32, 64))

    assert int(coarse.indices) != 3
    assert int(fine.indices) == 3


def test_a_grid_too_small_for_edges_is_refused() -> None:
    with pytest.raises(ValueError, match="grid must be at least 3 pixels, got 2"):
        DASSampler(num_slices=1, grid=2)


def test_heads_that_cannot_share_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="dim must be a multiple of num_heads, got dim=32 and num_heads=5"):
        DASSampler(num_slices=4, num_heads=5)


def test_the_penalty_is_the_mean_squared_residual_of_real_slices() -> None:
    thumbnails, lengths = falling_volume(), torch.tensor([8, 5])
    sampler = preferring(DASSampler(num_slices=2, bound=3.0, residual_penalty=0.1), 0)

    selection = sampler(thumbnails, lengths)

    torch.testing.assert_close(selection.penalty, torch.tensor([0.9, 0.9]))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("weight", [-50.0, 0.5, 50.0])
def test_the_adaptive_temperature_stays_near_its_base_and_reorders_nothing(temperature: float, weight: float) -> None:
    thumbnails = torch.rand(6, 1, 16, 16, 12) * torch.rand(6, 1, 1, 1, 12)
    sampler = DASSampler(num_slices=5, temperature=temperature).eval()
    plain = sampler(thumbnails)

    nn.init.constant_(sampler.heat.weight, weight)
    adapted = sampler(thumbnails)

    ratio = (plain.scores / adapted.scores)[:, :1]
    torch.testing.assert_close(adapted.scores * ratio, plain.scores)
    assert (ratio >= 0.5 - 1e-5).all()
    assert (ratio <= 1.5 + 1e-5).all()
    assert ratio.mean() < 0.95 if weight > 0 else ratio.mean() > 1.05
    assert torch.equal(adapted.indices, plain.indices)
    assert torch.equal(adapted.scores.argsort(dim=1), plain.scores.argsort(dim=1))


def test_the_base_temperature_divides_the_scores() -> None:
    thumbnails = torch.rand(2, 1, 16, 16, 12)

    one = DASSampler(num_slices=5).eval()(thumbnails)
    two = DASSampler(num_slices=5, temperature=2.0).eval()(thumbnails)

    torch.testing.assert_close(two.scores, one.scores / 2.0)


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
