"""DASSampler with a part left out: nothing that only this part learns matters, and all else is as before."""

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
        mine, others = (each.train(training) for each in (same, whole))
        torch.manual_seed(0)
        one = mine(thumbnails, lengths)
        torch.manual_seed(0)
        assert all(torch.equal(a, b) for a, b in zip(one, others(thumbnails, lengths), strict=True))
    assert same.taught
    assert whole.taught


def test_as_many_cases_are_seen_whole() -> None:
    sampler = DASAblatedSampler(num_slices=2, lesson_share=0.5).train()
    sampler.widening = 1.0

    counts = sampler(torch.rand(1, 1, 8, 8, 7).expand(2000, -1, -1, -1, -1)).kept.sum(dim=1)

    assert set(counts.tolist()) == {2, 7}
    assert 0.45 < (counts == 7).float().mean() < 0.55


@pytest.mark.parametrize("part", ["thumbnail", "variance", "sobel", "laplacian", "place", "context"])
def test_without_a_part_nothing_that_only_it_learns_matters(part: str) -> None:
    torch.manual_seed(0)
    sampler = steep(DASAblatedSampler(num_slices=2, without=[part]))
    changed = {"thumbnail": sampler.encoder, "context": sampler.attention}
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


@pytest.mark.parametrize(("rule", "chosen"), [("top", [0, 1]), ("stratified", [0, 4]), ("systematic", [1, 5])])
def test_the_rules_differ_where_the_prior_ranks_but_is_not_sure(rule: str, chosen: list[int]) -> None:
    sampler = DASAblatedSampler(num_slices=2, rule=rule, prior=True, temperature=10.0).eval()

    assert sampler(falling_volume(1)).indices.tolist() == [chosen]


def test_the_gradient_may_come_through_the_sampling_matrix() -> None:
    taught, straight = (DASAblatedSampler(num_slices=2, straight_through=each).train() for each in (False, True))
    selection = straight(falling_volume())

    selection.weights[0, 0, 5].backward()

    assert not straight.taught
    assert not taught(falling_volume()).weights.requires_grad
    assert set(selection.weights.unique().tolist()) == {0.0, 1.0}
    assert straight.head[-1].weight.grad.abs().sum() > 0.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"without": ["colour"]}, r"a part of without must be one of context, thumbnail, .* got 'colour'"),
        ({"rule": "best"}, r"rule must be one of stratified, systematic, top, got 'best'"),
        ({"temperature": 0.0}, r"temperature must be above 0, got 0.0"),
    ],
    ids=str,
)
def test_what_cannot_be_is_named(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DASAblatedSampler(num_slices=2, **wrong)
