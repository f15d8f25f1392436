import pytest
import torch
from monai.data import MetaTensor, decollate_batch

from monai_das.transforms import DASCutPaddingd, DASPadCollate


def items(*depths):
    return [{"image": torch.ones(1, 4, 4, depth), "label": depth % 2, "name": str(depth)} for depth in depths]


def test_zeros_fill_up_behind_the_last_slice_and_lengths_say_so():
    batch = DASPadCollate()(items(3, 5))

    assert batch["image"].shape == (2, 1, 4, 4, 5)
    assert batch["image"][0, 0, 0, 0].tolist() == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert batch["lengths"].tolist() == [3, 5]
    assert (batch["label"].tolist(), batch["name"]) == ([1, 1], ["3", "5"])


def test_cases_of_one_depth_stay_as_they_are_and_have_lengths_too():
    given = items(4, 4)

    batch = DASPadCollate()(given)

    assert torch.equal(batch["image"], torch.ones(2, 1, 4, 4, 4))
    assert batch["lengths"].tolist() == [4, 4]
    assert "lengths" not in given[0]


def test_padding_that_a_transform_made_before_keeps_its_lengths():
    given = [{**item, "lengths": 2} for item in items(4, 6)]

    assert DASPadCollate()(given)["lengths"].tolist() == [2, 2]


def test_maps_of_verdicts_and_images_with_metadata_are_padded_too():
    given = [{"image": MetaTensor(torch.ones(1, 4, 4, d)), "verdicts": torch.ones(1, 4, 4, d)} for d in (2, 3)]

    batch = DASPadCollate()(given)

    assert batch["image"].shape == batch["verdicts"].shape == (2, 1, 4, 4, 3)


@pytest.mark.parametrize("length", [0, 5])
def test_lengths_beyond_the_slices_are_refused(length):
    with pytest.raises(ValueError, match=f"lengths must be 1 to 4, the slices of the item, got {length}"):
        DASPadCollate("image")([{**items(4)[0], "lengths": length}])


def test_images_of_different_size_are_refused():
    with pytest.raises(RuntimeError, match="stack expects each tensor to be equal size"):
        DASPadCollate()([{"image": torch.ones(1, 4, 4, 3)}, {"image": torch.ones(1, 5, 4, 4)}])


def test_the_padding_is_cut_off_again():
    cases = decollate_batch(DASPadCollate()(items(3, 5)))

    cut = [DASCutPaddingd("image")(case) for case in cases]

    assert [case["image"].shape[-1] for case in cut] == [3, 5]
    assert cases[0]["image"].shape[-1] == 5


def test_without_lengths_nothing_is_cut():
    assert DASCutPaddingd("image")(items(3)[0])["image"].shape[-1] == 3
