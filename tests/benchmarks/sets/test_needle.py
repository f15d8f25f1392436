import torch

from benchmarks.sets import needle_set
from benchmarks.sets.needle import ring_and_cross


def test_needles_are_where_they_are_said_to_be():
    cases = needle_set(40, seed=3)
    shapes = ring_and_cross()

    means = cases.images.mean(dim=(0, 1, 2, 3))
    bright = torch.stack([cases.images[case, ..., slice_].amax() for case, slice_ in enumerate(cases.needles)])

    assert cases.images.shape == (40, 1, 28, 28, 32)
    assert shapes.sum(dim=(1, 2)).tolist() == [24.0, 13.0]
    assert means.min() > 0.05
    assert bright.min() > 4.0
    assert set(cases.labels.tolist()) == {0, 1}


def test_variance_misleads():
    cases = needle_set(30, seed=4)

    order = cases.images.var(dim=(1, 2, 3)).argsort(dim=1, descending=True)

    assert not (order[:, :10] == cases.needles[:, None]).any()


def test_the_same_seed_gives_the_same_volumes():
    assert torch.equal(needle_set(3, seed=5).images, needle_set(3, seed=5).images)
