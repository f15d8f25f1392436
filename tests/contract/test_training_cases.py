"""What training cases look like, and how far other cases are from them."""

import pytest
import torch

from monai_das.contract.training_cases import FEATURES, TrainingCases, brightness_moments, case_summary


def square(side=20, depth=12, start=3):
    """A volume ``(1, 64, 64, 12)`` with a square of ``side`` pixels in half of its slices."""
    image = torch.zeros(1, 64, 64, depth)
    image[0, 10 : 10 + side, 12 : 12 + side, start : start + depth // 2] = 1.0
    return image


@pytest.fixture(scope="module")
def squares():
    sizes = torch.randint(16, 26, (80,), generator=torch.Generator().manual_seed(0)).tolist()
    return TrainingCases.of_images([square(side, start=2 + side % 3) for side in sizes], 64)


def test_a_summary_tells_size_and_place_along_the_slices():
    small, large, shifted = (case_summary(square(**each)) for each in ({"side": 10}, {"side": 30}, {"start": 0}))

    assert small.shape == (FEATURES,)
    assert bool((large[:6] > small[:6]).all())
    assert small[6] == large[6] == 0.5
    assert shifted[7] == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize(("axis", "changed"), [(1, {0, 2, 9, 10}), (2, {3, 5, 9, 11}), (3, {6, 8, 10, 11})])
def test_a_mirrored_image_has_other_moments(axis, changed):
    image = torch.rand(1, 32, 32, 8, generator=torch.Generator().manual_seed(0)).cumsum(axis)

    before, after = brightness_moments(image), brightness_moments(image.flip(axis))

    different = set(((before - after).abs() > 1e-9).nonzero()[:, 0].tolist())
    assert different == changed
    assert after[[0, 3, 6][axis - 1]] == pytest.approx(1.0 - before[[0, 3, 6][axis - 1]])


@pytest.mark.parametrize("image", [torch.zeros(1, 64, 64, 4), torch.rand(3, 64, 64, 1), 1e4 * torch.randn(1, 8, 8, 2)])
def test_every_image_has_a_finite_summary(image):
    assert bool(case_summary(image).isfinite().all())


def test_cases_like_the_training_cases_are_within_the_limit(squares):
    assert squares.cases == 80
    assert all(
        squares.distance(case_summary(square(side, start=2 + side % 3))) < squares.limit for side in range(17, 25)
    )


@pytest.mark.parametrize("image", [square(3), square(50), torch.rand(1, 64, 64, 12), torch.zeros(1, 64, 64, 12)])
def test_other_cases_are_beyond_it(squares, image):
    assert squares.distance(case_summary(image)) > squares.limit


def test_the_limit_measures_each_case_against_the_others():
    """For few cases a distance from a mean that knows the case itself is far too small."""
    points = torch.randn(30, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    found = TrainingCases.of(points)
    left_out = [TrainingCases.of([*points[:n], *points[n + 1 :]]).distance(points[n]) for n in range(30)]

    assert found.limit == pytest.approx(float(torch.tensor(left_out).quantile(0.995)), rel=0.02)
    assert found.limit > max(found.distance(point) for point in points)


def test_distances_are_those_of_the_written_form(squares):
    again = TrainingCases.from_dict(squares.as_dict())

    assert again.distance(case_summary(square(50))) == pytest.approx(squares.distance(case_summary(square(50))))
    assert (again.cases, again.limit) == (squares.cases, squares.limit)


def test_fewer_than_three_cases_are_no_distribution():
    assert TrainingCases.of([torch.rand(9), torch.rand(9)]) is None
