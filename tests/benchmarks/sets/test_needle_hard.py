import pytest
import torch

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


def test_other_depths_have_as_many_slices_of_each_kind():
    cases = hard_needle_set(20, seed=3, contrast=100.0, depth=24)

    assert cases.images.shape == (20, 1, 28, 28, 24)
    assert torch.equal(cases.evidence.sum(dim=1), cases.labels + 1)


def test_rician_noise_is_the_magnitude_of_the_volume_and_a_second_channel():
    plain = hard_needle_set(20, seed=4).images
    rician = hard_needle_set(20, seed=4, rician=True).images

    # the mean square of a Rician value is that of the signal and twice the variance of a channel
    assert torch.all(rician >= plain.abs())
    assert float((rician**2).mean() - (plain**2).mean()) == pytest.approx(1.0, abs=0.02)
