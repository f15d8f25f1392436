"""What samplers see of slices, and how scores that correct a prior keep within their bounds."""

import pytest
import torch
from torch import nn

from monai_das.samplers import DASGateSampler, DASSampler
from monai_das.samplers.das_parts import relative, standardised
from monai_das.samplers.features import slice_moments
from tests.samplers.das_cases import EMPTY, FAINT, preferring, steep, volume_with_empty_slices


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


def test_the_residual_of_a_prior_keeps_within_its_bound() -> None:
    thumbnails = torch.rand(4, 1, 16, 16, 12)
    sampler = steep(DASGateSampler(num_slices=3)).eval()
    nn.init.zeros_(sampler.heat.weight)
    nn.init.zeros_(sampler.heat.bias)

    moved = sampler(thumbnails).scores - DASGateSampler(num_slices=3).eval()(thumbnails).scores

    assert moved.abs().max() <= sampler.bound * 1.001
    assert moved.abs().max() > sampler.bound / 2


@pytest.mark.parametrize("wanted", [EMPTY, FAINT], ids=["constant", "below floor"])
def test_by_a_prior_too_an_empty_slice_is_never_chosen_while_k_others_remain(wanted: int) -> None:
    sampler = DASGateSampler(num_slices=7)
    sampler.bound = 1000.0

    selection = preferring(sampler, EMPTY, FAINT).eval()(volume_with_empty_slices())

    assert (selection.scores[:, wanted] > 900).all()
    assert selection.kept.all()
    assert not (selection.indices == wanted).any()


@pytest.mark.parametrize("weight", [-50.0, 0.5, 50.0])
def test_the_adaptive_temperature_stays_near_1_and_reorders_nothing(weight: float) -> None:
    thumbnails = torch.rand(6, 1, 16, 16, 12) * torch.rand(6, 1, 1, 1, 12)
    sampler = DASGateSampler(num_slices=5).eval()
    plain = sampler(thumbnails)

    nn.init.constant_(sampler.heat.weight, weight)
    adapted = sampler(thumbnails)

    ratio = (plain.scores / adapted.scores)[:, :1]
    torch.testing.assert_close(adapted.scores * ratio, plain.scores)
    assert (ratio >= 0.5 - 1e-5).all()
    assert (ratio <= 1.5 + 1e-5).all()
    assert ratio.mean() < 0.95 if weight > 0 else ratio.mean() > 1.05
    assert torch.equal(adapted.indices, plain.indices)
