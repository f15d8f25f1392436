"""How slices hang, and what the network saw."""

import nibabel
import numpy as np
import pytest
import torch
from nibabel.orientations import axcodes2ornt, ornt_transform
from scipy.spatial.transform import Rotation

from monai_das.inference.hanging import OPPOSITE, Hanging
from monai_das.inference.pictures import network_view

PLANES = {"axial": (0, 1, 2), "coronal": (0, 2, 1), "sagittal": (1, 2, 0)}
HUNG = {"axial": ("R", "L", "A", "P"), "coronal": ("R", "L", "S", "I"), "sagittal": ("A", "P", "S", "I")}
SPACING = (0.5, 1.0, 3.0)


def affine_of(axes, signs, degrees=(0.0, 0.0, 0.0)):
    """An affine whose axes lead along these world axes with these signs, turned by these angles."""
    turned = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix = np.eye(4)
    matrix[:3, :3] = turned @ np.eye(3)[list(axes)].T @ np.diag(np.array(signs) * SPACING)
    return matrix


def edges(hanging, shape=(4, 6)):
    """The place in the source, as (column, row), of the middle of each edge of a slice that hangs."""
    columns, rows = np.meshgrid(*map(np.arange, shape), indexing="ij")
    hung = hanging(torch.from_numpy(np.stack([columns, rows]).astype(np.float32)))
    height, width = hung.shape[1:]
    places = [(height // 2, 0), (height // 2, width - 1), (0, width // 2), (height - 1, width // 2)]
    return [hung[:, row, column].numpy() for row, column in places]


def as_nibabel_says(affine, hanging):
    """The nearest letter of each edge, from the place where nibabel says that it lies."""
    middle = np.array([1.5, 2.5])
    codes = nibabel.aff2axcodes(affine)
    found = []
    for column, row in edges(hanging):
        step = np.array([column, row]) - middle
        axis = int(np.abs(step / middle).argmax())
        found.append(codes[axis] if step[axis] > 0 else OPPOSITE[codes[axis]])
    return tuple(found)


@pytest.mark.parametrize("signs", [(i, j, k) for i in (1, -1) for j in (1, -1) for k in (1, -1)])
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("plane", PLANES)
def test_every_stored_order_hangs_as_radiologists_hang_it(plane, swapped, signs):
    axes = list(PLANES[plane])
    if swapped:
        axes[:2] = axes[1], axes[0]

    hanging = Hanging.of(affine_of(axes, signs))

    assert hanging.letters == HUNG[plane]
    assert as_nibabel_says(affine_of(axes, signs), hanging) == HUNG[plane]
    assert hanging.pixel_aspect == pytest.approx(0.5 if swapped else 2.0)


@pytest.mark.parametrize("degrees", [(5, 0, 0), (12, -8, 3), (0, 25, 0), (30, 10, -20), (-35, 15, 40)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (1, -1, -1)])
@pytest.mark.parametrize("plane", PLANES)
def test_the_letters_of_oblique_slices_are_where_nibabel_says(plane, signs, degrees):
    affine = affine_of(PLANES[plane], signs, degrees)

    hanging = Hanging.of(affine)

    assert tuple(letters[0] for letters in hanging.letters) == as_nibabel_says(affine, hanging)
    left, right, top, bottom = hanging.letters
    assert [OPPOSITE[letter] for letter in left] == list(right)
    assert [OPPOSITE[letter] for letter in top] == list(bottom)


def test_only_a_clearly_oblique_direction_has_a_second_letter():
    slightly, clearly = (Hanging.of(affine_of((0, 1, 2), (1, 1, 1), (0, 0, angle))) for angle in (10, 30))

    assert slightly.letters == ("R", "L", "A", "P")
    assert clearly.letters == ("RA", "LP", "AL", "PR")


def test_nibabel_reorients_to_the_same_picture():
    volume = np.random.RandomState(0).rand(5, 7, 3)
    affine = affine_of((1, 0, 2), (-1, 1, 1))
    image = nibabel.Nifti1Image(volume, affine)
    wanted = axcodes2ornt(("L", "P", "S"))
    there = ornt_transform(nibabel.io_orientation(affine), wanted)

    hung = Hanging.of(affine)(torch.from_numpy(volume)[None, ..., 1])

    assert np.array_equal(hung[0].numpy(), image.as_reoriented(there).get_fdata()[..., 1].T)


def test_without_anatomy_the_first_pixel_stays_in_its_corner():
    hanging = Hanging.of(None, 1.5)
    image = torch.arange(12.0).reshape(1, 3, 4)

    assert (hanging.letters, hanging.pixel_aspect) == ((), 1.5)
    assert torch.equal(hanging(image)[0], image[0].T)


def test_black_and_white_of_the_networks_view_are_those_of_thumbnails_and_selected_slices():
    small = torch.full((1, 4, 4, 2), 10.0)
    large = torch.tensor([0.0, 20.0]).expand(1, 4, 4, 2)

    view = network_view(large, small, np.eye(4), False)
    darker = network_view(large, small - 30.0, np.eye(4), False)

    assert view.slices[:, 0, 0].tolist() == [0, 255]
    assert darker.slices[:, 0, 0].tolist() == [128, 255]


def test_the_networks_view_hangs_and_keeps_colours():
    grey = torch.zeros(2, 4, 6, 1)
    grey[:, -1, -1] = 1.0
    colour = torch.rand(3, 5, 4, 2)

    assert network_view(grey, grey, np.diag([1.0, 3.0, 1.0, 1.0]), True).slices[0, 0, 0] == 255
    assert network_view(grey, grey, np.diag([1.0, 3.0, 1.0, 1.0]), True).pixel_aspect == 3.0
    assert network_view(colour, colour, np.eye(4), False).slices.shape == (2, 4, 5, 3)


def test_a_constant_volume_is_black():
    volume = torch.full((1, 4, 4, 2), 7.0)

    assert network_view(volume, volume, np.eye(4), True).slices.max() == 0
