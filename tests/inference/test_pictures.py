import numpy as np
import pytest
import torch

from monai_das.inference import CasePictures
from monai_das.inference.pictures import case_pictures


def marked(shape, *place):
    volume = torch.zeros(shape)
    volume[(slice(None), *place)] = 1.0
    return volume


def pictures_of(volume, shown, order, affine, has_anatomy):
    """The pictures of a volume that is at hand: nothing small, nothing read."""
    return case_pictures(lambda places: volume[..., places], volume, volume[..., shown], order, affine, has_anatomy)


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

    pictures = pictures_of(marked((1, 4, 6, 2), *upper_left, 0), [0], [0, 1], affine, True)

    assert pictures.slices.shape == (1, 6, 4)
    assert pictures.slices[0, 0, 0] == 255


def test_a_plane_whose_second_axis_is_the_earlier_one_is_not_transposed():
    affine = torch.eye(4)[[2, 1, 0, 3]].T @ torch.diag(torch.tensor([1.0, 3.0, 1.0, 1.0]))
    affine[:3, :2] = torch.tensor([[0.0, 2.0], [0.0, 0.0], [3.0, 0.0]])

    pictures = pictures_of(marked((1, 4, 6, 1), -1, -1, 0), [0], [0], affine, True)

    assert pictures.slices.shape == (1, 4, 6)
    assert pictures.slices[0, 0, 0] == 255
    assert pictures.pixel_aspect == pytest.approx(1.5)


def test_clips_keep_their_first_pixel_and_their_colours():
    pictures = pictures_of(marked((3, 5, 4, 3), 0, 0, 1), [1, 2], [0, 1, 2], torch.eye(4), False)

    assert pictures.slices.shape == (2, 4, 5, 3)
    assert pictures.slices[0, 0, 0].tolist() == [255, 255, 255]
    assert pictures.side_view.tolist() == [[0, 255, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_a_constant_volume_is_black():
    pictures = pictures_of(torch.full((1, 4, 4, 2), 7.0), [0], [0, 1], torch.eye(4), True)

    assert pictures.slices.max() == 0


def test_the_stack_shows_all_slices_in_the_order_of_the_source():
    volume = torch.arange(3.0).expand(1, 4, 5, 3)

    pictures = pictures_of(volume, [1], [2, 1, 0], torch.eye(4), False)

    assert pictures.stack().shape == (3, 5, 4)
    assert pictures.stack()[:, 0, 0].tolist() == [255, 128, 0]
    assert (pictures.stack()[1] == pictures.slices[0]).all()


def test_pictures_without_the_volume_say_so():
    pictures = CasePictures(np.zeros((1, 2, 2), np.uint8), np.zeros((2, 3), np.uint8))

    with pytest.raises(ValueError, match="only the selected slices have pictures here; give CasePictures make_stack"):
        pictures.stack()


def test_the_stack_is_read_few_at_a_time_and_made_small():
    asked = []

    def load(places):
        asked.append(places)
        return torch.arange(40.0)[places].expand(1, 1280, 320, len(places))

    small = torch.arange(40.0).expand(1, 8, 8, 40)
    order = list(range(39, -1, -1))
    pictures = case_pictures(load, small, small[..., :1], order, torch.eye(4), False)
    assert asked == []

    stack = pictures.stack()

    assert stack.shape == (40, 160, 640)
    assert [int(value) for value in stack[:, 0, 0]] == [round(255 * place / 39) for place in order]
    assert max(map(len, asked)) <= 16
    assert all(places == sorted(places) for places in asked)


def test_black_and_white_are_those_of_thumbnails_and_selected_slices():
    small = torch.full((1, 4, 4, 2), 10.0)
    large = torch.tensor([0.0, 20.0]).expand(1, 4, 4, 2)

    pictures = case_pictures(lambda places: large[..., places], small, large, [0, 1], torch.eye(4), False)

    assert pictures.slices[:, 0, 0].tolist() == [0, 255]
    assert pictures.side_view.tolist() == [[128, 128]] * 4
