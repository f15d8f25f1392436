"""DASSampler with a part left out: nothing that only this part learns matters, and all else is as before."""

from itertools import pairwise

import pytest
import torch

from benchmarks import DASAblatedSampler
from monai_das.samplers import DASSampler
from tests.samplers.das_cases import falling_volume, steep


def test_with_all_parts_it_is_das_sampler() -> None:
    whole, same = steep(DASSampler(num_slices=3)), DASAblatedSampler(num_slices=3)
    thumbnails, lengths = torch.rand(3, 1, 16, 16, 9), torch.tensor([9, 6, 2])

    same.load_state_dict(whole.state_dict())

    for training in (False, True):
        mine, others = (each.train(training)(thumbnails, lengths) for each in (same, whole))
        assert all(torch.equal(one, other) for one, other in zip(mine, others, strict=True))
    assert same.taught
    assert whole.taught


@pytest.mark.parametrize("part", ["thumbnail", "variance", "sobel", "laplacian", "place", "context", "heat"])
def test_without_a_part_nothing_that_only_it_learns_matters(part: str) -> None:
    torch.manual_seed(0)
    sampler = steep(DASAblatedSampler(num_slices=2, without=[part]))
    changed = {"thumbnail": sampler.encoder, "context": sampler.attention, "heat": sampler.heat}
    columns = {"variance": [32], "sobel": [33], "laplacian": [34], "place": [35, 36]}
    thumbnails = falling_volume()
    before = sampler.eval()(thumbnails).scores

    with torch.no_grad():
        for parameter in changed[part].parameters() if part in changed else ():
            parameter.add_(torch.randn_like(parameter))
        if part in columns:
            sampler.token.weight[:, columns[part]] += 1.0
    unchanged = sampler(thumbnails).scores
    whole = DASSampler(num_slices=2)
    whole.load_state_dict(sampler.state_dict())

    torch.testing.assert_close(unchanged, before)
    assert not torch.allclose(whole.eval()(thumbnails).scores, before)


def test_without_the_prior_the_untrained_scores_are_equal() -> None:
    scores = DASAblatedSampler(num_slices=2, without=["prior"]).eval()(falling_volume()).scores

    assert scores.abs().max() == 0.0


def test_the_gradient_may_come_through_the_sampling_matrix() -> None:
    taught, straight = (DASAblatedSampler(num_slices=2, straight_through=each).train() for each in (False, True))
    selection = straight(falling_volume())

    selection.weights[0, 0, 5].backward()

    assert not straight.taught
    assert not taught(falling_volume()).weights.requires_grad
    assert set(selection.weights.unique().tolist()) == {0.0, 1.0}
    assert straight.head[-1].weight.grad.abs().sum() > 0.0


def test_the_prior_fades_with_the_straight_through_gradient_alone() -> None:
    thumbnails, largest = falling_volume(1), {}
    for straight in (False, True):
        sampler = DASAblatedSampler(num_slices=2, straight_through=straight).train()
        for sampler.widening in (0.0, 0.5, 1.0):
            largest.setdefault(straight, []).append(float(sampler(thumbnails).scores.detach().abs().max()))

    assert all(more > less for more, less in pairwise(largest[True]))
    assert largest[True][-1] == 0.0
    assert min(largest[False]) > 0.0


def test_unknown_parts_name_the_choices() -> None:
    with pytest.raises(ValueError, match=r"a part of without must be one of prior, context, heat, .* got 'colour'"):
        DASAblatedSampler(num_slices=2, without=["colour"])
