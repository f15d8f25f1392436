import pickle

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch, list_data_collate
from monai.data.meta_obj import set_track_meta
from monai.transforms import Compose

from monai_das.transforms import SliceAxis, SliceAxisd, source_slice_indices

LPS = torch.diag(torch.tensor([-2.0, -3.0, 4.0, 1.0], dtype=torch.float64))
TURN = np.deg2rad(20)
# third axis runs to the patient's left, as in a sagittal series; tilted by 20 degrees
SAGITTAL = torch.tensor(
    [
        [0.0, np.sin(TURN), -np.cos(TURN), 5.0],
        [0.0, np.cos(TURN), np.sin(TURN), 6.0],
        [-1.0, 0.0, 0.0, 7.0],
        [0.0, 0.0, 0.0, 1.0],
    ],
    dtype=torch.float64,
)


@pytest.fixture
def image() -> MetaTensor:
    return MetaTensor(torch.rand(2, 5, 6, 7), affine=LPS)


@pytest.fixture
def untracked():
    set_track_meta(False)
    yield
    set_track_meta(True)


def place_in_mm(image, voxel):
    return image.affine.double() @ torch.tensor([*voxel, 1.0], dtype=torch.float64)


def test_axial_turns_the_plane_to_right_and_anterior(image):
    axial = SliceAxis("axial")(image)

    assert torch.equal(axial.as_tensor(), image.as_tensor().flip(1, 2))
    assert torch.allclose(place_in_mm(axial, (4, 5, 3)), place_in_mm(image, (0, 0, 3)))


@pytest.mark.parametrize(
    ("axis", "shape", "source_axis", "flipped"),
    [
        ("acquired", (2, 5, 6, 7), 2, False),
        ("axial", (2, 5, 6, 7), 2, False),
        ("coronal", (2, 5, 7, 6), 1, True),
        ("sagittal", (2, 6, 7, 5), 0, True),
    ],
)
def test_every_plane_says_where_its_slices_come_from(image, axis, shape, source_axis, flipped):
    turned = SliceAxis(axis)(image)

    assert turned.shape == shape
    assert (turned.meta["slice_axis"], turned.meta["slice_flipped"]) == (source_axis, flipped)
    for place, source in enumerate(source_slice_indices(turned.meta, range(shape[-1]))):
        ours, theirs = turned.as_tensor()[..., place], image.as_tensor().select(1 + source_axis, int(source))
        assert torch.equal(ours.flatten().sort().values, theirs.flatten().sort().values)


def test_acquired_keeps_the_third_axis_of_an_oblique_sagittal_series():
    image = MetaTensor(torch.rand(1, 5, 6, 7), affine=SAGITTAL)

    turned = SliceAxis("acquired")(image)

    assert turned.shape == (1, 6, 5, 7)
    assert (turned.meta["slice_axis"], turned.meta["slice_flipped"]) == (2, True)
    assert torch.equal(turned.as_tensor()[..., 0], image.as_tensor()[..., 6].transpose(1, 2).flip(2))
    assert torch.allclose(place_in_mm(turned, (0, 4, 0)), place_in_mm(image, (0, 0, 6)))


@pytest.mark.parametrize("axis", ["acquired", "axial", "coronal", "sagittal"])
@pytest.mark.parametrize("affine", [LPS, SAGITTAL])
def test_inverse_restores_image_affine_and_meta(axis, affine):
    image = MetaTensor(torch.rand(1, 5, 6, 7), affine=affine, meta={"name": "a"})
    transform = SliceAxis(axis)

    back = transform.inverse(transform(image))

    assert torch.equal(back.as_tensor(), image.as_tensor())
    assert torch.allclose(back.affine, image.affine)
    assert back.meta["name"] == "a"
    assert not [key for key in back.meta if str(key).startswith("slice_")]
    assert back.applied_operations == []


@pytest.mark.parametrize("slice_dim", [-3, -2, -1, 0, 1, 2])
def test_position_moves_one_axis_last_and_back(image, slice_dim):
    transform = SliceAxis(slice_dim=slice_dim)

    moved = transform(image)
    back = transform.inverse(moved)

    assert torch.equal(moved.as_tensor(), image.as_tensor().movedim(1 + slice_dim % 3, -1))
    assert moved.meta["slice_axis"] == slice_dim % 3
    assert not moved.meta["slice_flipped"]
    assert torch.equal(moved.affine[:, 2], image.affine[:, slice_dim % 3])
    assert torch.equal(back.as_tensor(), image.as_tensor())
    assert torch.equal(back.affine, image.affine)


def test_position_takes_arrays():
    assert SliceAxis(slice_dim=0)(np.zeros((1, 9, 5, 6), dtype=np.uint8)).shape == (1, 5, 6, 9)


@pytest.mark.usefixtures("untracked")
@pytest.mark.parametrize(
    ("arguments", "shape"), [({"axis": "acquired"}, (2, 5, 6, 7)), ({"slice_dim": 1}, (2, 5, 7, 6))]
)
def test_without_tracking_a_plain_tensor_comes(image, arguments, shape):
    turned = SliceAxis(**arguments)(image)

    assert type(turned) is torch.Tensor
    assert turned.shape == shape


@pytest.mark.parametrize("workers", [0, 2])
def test_dictionary_form_inverts_after_batching(workers):
    items = [{"image": MetaTensor(torch.full((1, 4, 5, 6), float(index)), affine=LPS)} for index in range(2)]
    transform = Compose([SliceAxisd("image", axis="coronal")])
    loader = DataLoader(Dataset(items, transform), batch_size=2, num_workers=workers, collate_fn=list_data_collate)

    batch = next(iter(loader))
    back = [transform.inverse(item) for item in decollate_batch(batch)]

    assert batch["image"].shape == (2, 1, 4, 6, 5)
    assert [tuple(item["image"].shape) for item in back] == [(1, 4, 5, 6)] * 2
    assert torch.equal(source_slice_indices(decollate_batch(batch)[1]["image"].meta, [0, 4]), torch.tensor([4, 0]))


def test_missing_keys_are_passed_over_on_request(image):
    transform = pickle.loads(pickle.dumps(SliceAxisd(["image", "mask"], slice_dim=0, allow_missing_keys=True)))

    assert set(transform({"image": image, "other": 1})) == {"image", "other"}
    with pytest.raises(KeyError, match="mask"):
        SliceAxisd(["image", "mask"], slice_dim=0)({"image": image})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "one of them, got axis=None and slice_dim=None"),
        ({"axis": "axial", "slice_dim": 0}, "one of them, got axis='axial' and slice_dim=0"),
        ({"axis": "transverse"}, "axis must be .* got 'transverse'"),
        ({"slice_dim": 3}, "slice_dim counts the 3 spatial axes, -3 to 2, got 3"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SliceAxis(**arguments)


def test_missing_channel_axis_says_how_to_add_it():
    with pytest.raises(ValueError, match=r"got \(4, 5, 6\); add a channel axis"):
        SliceAxis(slice_dim=0)(torch.rand(4, 5, 6))


def test_anatomy_needs_an_affine():
    with pytest.raises(ValueError, match=r"axis='axial' needs an affine.* got Tensor; for an array give slice_dim"):
        SliceAxis("axial")(torch.rand(1, 4, 5, 6))


def test_anatomy_needs_a_regular_affine():
    flat = MetaTensor(torch.rand(1, 4, 5, 6), affine=torch.diag(torch.tensor([1.0, 1.0, 0.0, 1.0])))

    with pytest.raises(ValueError, match=r"needs a regular 4x4 affine, got .*; give slice_dim"):
        SliceAxis("axial")(flat)


def test_source_indices_need_the_metadata():
    with pytest.raises(ValueError, match="no slice_flipped and slice_count; apply SliceAxis"):
        source_slice_indices({}, [0])
