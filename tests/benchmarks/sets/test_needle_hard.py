import pytest
import torch

from benchmarks import evidence_cases
from benchmarks.sets import hard_needle_set
from benchmarks.sets.needle_hard import saltire


@pytest.fixture(scope="module")
def cases():
    return hard_needle_set(60, seed=3, contrast=100.0)


def test_class_1_has_two_pieces_of_evidence_and_class_0_one(cases):
    assert torch.equal(cases.evidence.sum(dim=1), cases.labels + 1)
    assert set(cases.labels.tolist()) == {0, 1}


def test_the_evidence_is_a_ring_and_a_cross_or_one_of_them(cases):
    lit = (cases.images[:, 0] > 50.0).sum(dim=(1, 2))

    pixels = [sorted(lit[case][evidence].tolist()) for case, evidence in enumerate(cases.evidence)]

    assert all(each == [13, 24] for each, label in zip(pixels, cases.labels, strict=True) if label == 1)
    assert {tuple(each) for each, label in zip(pixels, cases.labels, strict=True) if label == 0} == {(13,), (24,)}


def test_four_other_slices_have_a_decoy_as_faint_and_as_large_as_the_cross(cases):
    lit = (cases.images[:, 0] > 50.0).sum(dim=(1, 2))

    assert saltire().sum() == 13
    assert ((lit == 13) & ~cases.evidence).sum(dim=1).tolist() == [4] * 60


def test_the_loudest_slices_mean_nothing():
    cases = hard_needle_set(20, seed=4)

    loudest = cases.images.var(dim=(1, 2, 3)).argsort(dim=1, descending=True)[:, :10]

    assert not cases.evidence.gather(1, loudest).any()


def test_equal_seeds_give_equal_volumes():
    first, second, other = (hard_needle_set(3, seed).images for seed in (5, 5, 6))

    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_rician_noise_has_no_negative_values_and_leaves_evidence_where_it_was() -> None:
    gaussian, rician = (hard_needle_set(5, 3, contrast=100.0, noise=noise) for noise in ("gaussian", "rician"))

    assert rician.images.min() >= 0.0 > gaussian.images.min()
    assert torch.equal(rician.evidence, gaussian.evidence)
    assert torch.equal(rician.images > 50.0, gaussian.images > 50.0)


def test_depth_is_that_of_the_cases() -> None:
    cases = hard_needle_set(3, 4, depth=48)

    assert cases.images.shape == (3, 1, 28, 28, 48)
    assert cases.evidence.shape == (3, 48)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"depth": 15}, "depth must be at least 16, one slice for each shape, got 15"),
        ({"noise": "pink"}, r"noise must be one of \('gaussian', 'rician'\), got 'pink'"),
    ],
    ids=str,
)
def test_what_cannot_be_made_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hard_needle_set(3, 4, **wrong)


def test_no_other_set_takes_options() -> None:
    with pytest.raises(ValueError, match="only hard_needle takes depth, got planted"):
        evidence_cases("planted", "train", depth=48)
