import numpy as np
import pytest
import torch

from monai_das.inference import CasePictures
from monai_das.inference.pictures import case_pictures


def marked(shape, *place):
    volume = torch.zeros(shape)
    volume[(slice(None), *place)] = 1.0
    return volume


@pytest.mark.parametrize(
    ("plane", "upper_left"),
    [
        ("axial: right and front", (-1, -1)),
        ("axial, stored left and back", (0, 0)),
    ],
)
def test_slices_hang_with_the_right_side_on_the_left_and_the_front_on_top(plane, upper_left):
    sign = 1.0 if upper_left == (-1, -1) else -1.0
    affine = torch.diag(torch.tensor([sign, sign, 1.0, 1.0]))

    pictures = case_pictures(marked((1, 4, 6, 2), *upper_left, 0), [0], [0, 1], affine, True)

    assert pictures.slices.shape == (1, 6, 4)
    assert pictures.slices[0, 0, 0] == 255


def test_a_plane_whose_second_axis_is_the_earlier_one_is_not_transposed():
    affine = torch.eye(4)[[2, 1, 0, 3]].T @ torch.diag(torch.tensor([1.0, 3.0, 1.0, 1.0]))
    affine[:3, :2] = torch.tensor([[0.0, 2.0], [0.0, 0.0], [3.0, 0.0]])

    pictures = case_pictures(marked((1, 4, 6, 1), -1, -1, 0), [0], [0], affine, True)

    assert pictures.slices.shape == (1, 4, 6)
    assert pictures.slices[0, 0, 0] == 255
    assert pictures.pixel_aspect == pytest.approx(1.5)


def test_clips_keep_their_first_pixel_and_their_colours():
    pictures = case_pictures(marked((3, 5, 4, 3), 0, 0, 1), [1, 2], [0, 1, 2], torch.eye(4), False)

    assert pictures.slices.shape == (2, 4, 5, 3)
    assert pictures.slices[0, 0, 0].tolist() == [255, 255, 255]
    assert pictures.side_view.tolist() == [[0, 255, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_a_constant_volume_is_black():
    pictures = case_pictures(torch.full((1, 4, 4, 2), 7.0), [0], [0, 1], torch.eye(4), True)

    assert pictures.slices.max() == 0


def test_the_stack_shows_all_slices_in_the_order_of_the_source():
    volume = torch.arange(3.0).expand(1, 4, 5, 3)

    pictures = case_pictures(volume, [1], [2, 1, 0], torch.eye(4), False)

    assert pictures.stack().shape == (3, 5, 4)
    assert pictures.stack()[:, 0, 0].tolist() == [255, 128, 0]
    assert (pictures.stack()[1] == pictures.slices[0]).all()


def test_pictures_without_the_volume_say_so():
    pictures = CasePictures(np.zeros((1, 2, 2), np.uint8), np.zeros((2, 3), np.uint8))

    with pytest.raises(ValueError, match="only the chosen slices have pictures here; give CasePictures make_stack"):
        pictures.stack()
