"""The kind of an image's values is told from its thumbnails."""

import numpy as np
import pytest
import torch

from monai_das.data.values import described, kinds_of
from monai_das.transforms import make_thumbnails


def ball(side=128, depth=24, value=255.0):
    """A binary ball, ``(1, side, side, depth)``."""
    axes = torch.meshgrid(*(torch.linspace(-1, 1, each) for each in (side, side, depth)), indexing="ij")
    return (sum(axis.square() for axis in axes) < 0.4).float()[None] * value


def noise(low, high, side=64):
    return torch.from_numpy(np.random.RandomState(0).uniform(low, high, (1, side, side, 6)))


@pytest.mark.parametrize(
    ("image", "kinds"),
    [
        (ball(), {"mask"}),
        (ball(value=1.0), {"mask"}),
        (ball() - 1000.0, {"mask"}),
        (noise(0, 250), {"grey8", "magnitude"}),
        (noise(0, 1), {"magnitude"}),
        (noise(0, 4000), {"magnitude"}),
        (noise(-1000, 2000), {"hu"}),
        (noise(-200, 90), {"hu"}),
        (noise(-9000, 2000), set()),
        (torch.zeros(1, 64, 64, 6), set()),
    ],
)
@pytest.mark.parametrize("size", [64, 48])
def test_kinds(image, kinds, size):
    assert kinds_of(make_thumbnails(image[None], size)[0]) == kinds


def test_a_mask_with_noise_is_none():
    assert "mask" not in kinds_of(ball(64) + noise(0, 30)[..., :1])


def test_a_mask_compressed_with_loss_is_one():
    ringing = ball(64) + 12.0 * (noise(0, 2)[..., :1] - 1.0)

    assert kinds_of(ringing, exact=False) == {"mask"}


def test_blocks_of_three_pixels_between_the_two_values_are_no_edges_of_a_mask():
    image = torch.zeros(1, 64, 64, 2)
    image[0, 0, 0] = 1.0
    for place in range(4, 60, 8):
        image[0, place : place + 3, place : place + 3] = 0.5

    assert kinds_of(image) == {"magnitude"}


def test_a_ct_with_a_bright_piece_of_metal_is_no_mask():
    image = noise(-1000, 100)
    image[0, 30:33, 30:33] = 20000.0

    assert kinds_of(image) == {"hu"}


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (ball(), "0 to 255, two values"),
        (torch.linspace(-10.0, 90, 9 * 9 * 2).reshape(1, 9, 9, 2), "-10 to 90, many values"),
        (torch.full((1, 8, 8, 2), 7.0), "7 everywhere"),
    ],
)
def test_values_in_words(image, words):
    assert described(image) == words
