import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from monai_das.samplers.features import (
    SliceFeatures,
    between_variance,
    edge_energies,
    on_grid,
    pooled,
    within_variance,
)

SOBEL = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], dtype=torch.float64)
LAPLACIAN = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]], dtype=torch.float64)


def ct_like(*shape: int) -> Tensor:
    """Return air at -1000 HU with noise of 10 HU."""
    return -1000.0 + 10.0 * torch.randn(shape)


def convolved(image: Tensor, kernel: Tensor) -> Tensor:
    """Return every slice of ``(B, C, h, w, D)`` convolved in float64, ``(B, D, C, h - 2, w - 2)``."""
    batch, channels, rows, columns, depth = image.shape
    slices = image.double().permute(0, 4, 1, 2, 3).reshape(-1, 1, rows, columns)
    return conv2d(slices, kernel[None, None]).view(batch, depth, channels, rows - 2, columns - 2)


def slow_between(case: Tensor, length: int) -> list[float]:
    """Return the mean squared difference to the real neighbours of each slice of ``(C, h, w, D)``."""
    values = []
    for place in range(case.size(3)):
        neighbours = [other for other in (place - 1, place + 1) if 0 <= other < length and place < length]
        steps = [float((case[..., place] - case[..., other]).double().square().mean()) for other in neighbours]
        values.append(sum(steps) / max(1, len(steps)))
    return values


@pytest.mark.parametrize("side", [28, 64, 150])
def test_variance_keeps_its_digits_at_the_offset_of_ct(side: int) -> None:
    thumbnails = ct_like(2, 1, side, side, 9)

    variance = within_variance(thumbnails)

    exact = thumbnails.numpy().astype(np.float64).var(axis=(1, 2, 3))
    np.testing.assert_allclose(variance.numpy(), exact, rtol=1e-4)


@pytest.mark.parametrize("value", [-1000.0, 0.0, -3024.0])
def test_a_constant_slice_has_exactly_no_variance_and_no_edges(value: float) -> None:
    thumbnails = ct_like(1, 2, 64, 64, 5)
    thumbnails[..., 3] = value

    features = SliceFeatures()(thumbnails, torch.tensor([5]))

    assert features[0, :, 3].tolist() == [0.0, 0.0, 0.0]
    assert (features[0, :, :3] > 0).all()


def test_variance_between_is_the_mean_squared_step_to_the_real_neighbours() -> None:
    thumbnails = ct_like(4, 2, 8, 6, 7)
    lengths = torch.tensor([7, 4, 2, 1])

    variance = between_variance(thumbnails, lengths)

    slow = [slow_between(case, int(length)) for case, length in zip(thumbnails, lengths, strict=True)]
    torch.testing.assert_close(variance, torch.tensor(slow), rtol=1e-4, atol=0.0)


def test_variance_between_of_a_single_slice_is_zero() -> None:
    assert between_variance(torch.rand(2, 1, 4, 4, 1), torch.tensor([1, 1])).tolist() == [[0.0], [0.0]]


def test_edges_are_the_mean_squares_of_the_sobel_and_laplacian_kernels() -> None:
    image = 100.0 * torch.rand(2, 3, 9, 7, 4)

    sobel, laplacian = edge_energies(image)

    gradient = convolved(image, SOBEL).square() + convolved(image, SOBEL.T).square()
    torch.testing.assert_close(sobel, gradient.mean(dim=(2, 3, 4)).float(), rtol=1e-4, atol=0.0)
    curvature = convolved(image, LAPLACIAN).square()
    torch.testing.assert_close(laplacian, curvature.mean(dim=(2, 3, 4)).float(), rtol=1e-4, atol=0.0)


def test_edges_leave_their_input_as_it_was() -> None:
    image = torch.rand(1, 1, 5, 5, 2)
    before = image.clone()

    edge_energies(image)

    assert torch.equal(image, before)


@pytest.mark.parametrize("factor", [2, 3])
def test_pooling_averages_whole_blocks(factor: int) -> None:
    image = torch.rand(2, 3, 13, 11, 4)

    small = pooled(image, factor)

    blocks = avg_pool2d(image.permute(0, 4, 1, 2, 3).flatten(0, 1), factor)
    torch.testing.assert_close(small.permute(0, 4, 1, 2, 3).flatten(0, 1), blocks)


@pytest.mark.parametrize(("side", "wanted"), [(28, 28), (63, 63), (64, 32), (150, 37)])
def test_edges_are_taken_on_a_grid_of_about_32_pixels(side: int, wanted: int) -> None:
    describe = SliceFeatures()
    thumbnails = torch.rand(1, 1, side, side, 3)

    features = describe(thumbnails, torch.tensor([3]))

    assert on_grid(thumbnails).shape == (1, 1, wanted, wanted, 3)
    torch.testing.assert_close(features[:, 0], within_variance(on_grid(thumbnails)))
    torch.testing.assert_close(features[:, 1:], torch.stack(edge_energies(on_grid(thumbnails), 2), dim=1))


@pytest.mark.parametrize("step", [2, 3])
def test_edges_at_every_other_pixel_are_those_of_the_kernels_there(step: int) -> None:
    image = torch.rand(2, 1, 13, 12, 4)

    found = edge_energies(image, step)

    for energy, kernels in zip(found, ((SOBEL, SOBEL.T), (LAPLACIAN,)), strict=True):
        squares = sum(convolved(image, kernel).square()[..., ::step, ::step] for kernel in kernels)
        torch.testing.assert_close(energy, squares.mean(dim=(2, 3, 4)).float())


@pytest.mark.parametrize("variance", ["within", "between"])
def test_half_precision_of_hounsfield_units_does_not_overflow(variance: str) -> None:
    thumbnails = (3000.0 * (2.0 * torch.randint(0, 2, (2, 1, 64, 64, 5)) - 1.0)).half()

    features = SliceFeatures(variance)(thumbnails, torch.tensor([5, 3]))

    assert features.dtype == torch.float32
    assert features.isfinite().all()
    torch.testing.assert_close(features, SliceFeatures(variance)(thumbnails.float(), torch.tensor([5, 3])))


def test_autocast_changes_nothing() -> None:
    thumbnails, lengths = ct_like(2, 1, 28, 28, 5), torch.tensor([5, 5])
    wanted = SliceFeatures()(thumbnails, lengths)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = SliceFeatures()(thumbnails, lengths)

    assert torch.equal(features, wanted)


def test_no_gradient_flows_to_the_pixels() -> None:
    thumbnails = torch.rand(1, 1, 8, 8, 3, requires_grad=True)

    assert not SliceFeatures()(thumbnails, torch.tensor([3])).requires_grad
    assert not within_variance(thumbnails).requires_grad


def test_an_unknown_variance_names_the_two() -> None:
    with pytest.raises(ValueError, match="variance must be 'within' or 'between', got 'temporal'"):
        SliceFeatures("temporal")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 8, 8, 3), r"thumbnails must be \(B, C, h, w, D\), got .*1, 8, 8, 3.*; add a batch axis"),
        ((1, 1, 8, 2, 3), r"thumbnails must be at least 3 x 3 pixels, got .*8, 2, 3"),
    ],
)
def test_thumbnails_that_do_not_fit_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SliceFeatures()(torch.rand(shape), torch.tensor([3]))
