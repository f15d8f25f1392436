import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Flipd

from monai_das.losses.reader_loss import slice_verdicts
from monai_das.transforms import SliceAxisd, SliceVerdictsd, verdict_vector

VERDICTS = {"slices_confirmed": [1], "slices_rejected": [2], "slices_added": [5]}


def case(direction=1.0):
    """An item whose slices ascend (1) or descend (-1) towards the head."""
    affine = np.diag([1.0, 1.0, direction, 1.0])
    return {"image": MetaTensor(torch.rand(1, 5, 4, 6), affine=torch.from_numpy(affine)), "label": 1, **VERDICTS}


@pytest.mark.parametrize(
    ("direction", "expected"), [(1.0, [0, 1, -1, 0, 0, 1]), (-1.0, [1, 0, 0, -1, 1, 0])], ids=["along", "against"]
)
def test_verdicts_follow_the_slices_of_the_source(direction, expected):
    item = SliceVerdictsd("image")(SliceAxisd("image", axis="axial")(case(direction)))

    assert item["verdicts"].shape == item["image"].shape
    assert slice_verdicts(item["verdicts"][None]).tolist() == [expected]
    assert item["slice_count"] == 6
    assert not set(VERDICTS) & set(item)


def test_a_flip_of_image_and_map_keeps_them_together():
    item = SliceVerdictsd("image")(SliceAxisd("image", axis="axial")(case()))

    flipped = Flipd(["image", "verdicts"], spatial_axis=2)(item)

    assert slice_verdicts(flipped["verdicts"][None]).tolist() == [[1, 0, 0, -1, 1, 0]]


@pytest.mark.parametrize(("slices", "expected"), [([1, 2], [-1.0, 1.0, 1.0]), ([], [-1.0, -1.0, -1.0])], ids=str)
def test_known_slices_are_verdicts_on_all(slices, expected):
    assert verdict_vector({"slices": slices}, 3).tolist() == expected


def test_known_slices_leave_the_item():
    item = {**case(), "slices": [0]}
    for field in VERDICTS:
        del item[field]

    verdicts = SliceVerdictsd("image")(SliceAxisd("image", axis="axial")(item))

    assert "slices" not in verdicts
    assert slice_verdicts(verdicts["verdicts"][None]).tolist() == [[1, -1, -1, -1, -1, -1]]


def test_a_case_without_the_fields_has_no_verdicts():
    assert verdict_vector({"label": 0}, 3).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"slices_added": [3]}, r"slices_added names slice 3, there are slices 0 to 2; indices are 0-based"),
        ({"slices": [3]}, r"slices names slice 3, there are slices 0 to 2"),
        ({"slices": [1], "slices_added": [2]}, r"slices says all about the slices of a case, got slices_added too"),
        ({"slices_added": [1], "slices_rejected": [1]}, r"slices \[1\] are confirmed or added and also rejected"),
    ],
)
def test_impossible_verdicts_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        verdict_vector(fields, 3)


def test_an_image_without_slice_axis_is_refused():
    with pytest.raises(ValueError, match="apply SliceAxis with metadata tracking on first"):
        SliceVerdictsd("image")({"image": torch.rand(1, 4, 4, 6)})


def test_two_images_are_refused():
    with pytest.raises(ValueError, match="keys must be one image"):
        SliceVerdictsd(["image", "other"])
