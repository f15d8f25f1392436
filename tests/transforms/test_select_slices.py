import pickle

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch, list_data_collate, pad_list_data_collate
from monai.data.meta_obj import set_track_meta
from monai.transforms import Compose, DeleteItemsd
from monai.transforms.croppad.batch import PadListDataCollate
from torch import nn

from monai_das.transforms import SelectSlices, SelectSlicesd

AFFINE = torch.diag(torch.tensor([1.0, 2.0, 5.0, 1.0], dtype=torch.float64))


class TopVariance(nn.Module):
    """A stand-in for a trained network: 2 rows, of which the second is kept only where D allows."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.thumbnail_size = 4

    def thumbnails(self, volume):
        return volume[:, :, : self.thumbnail_size, : self.thumbnail_size]

    def score(self, thumbnails):
        return self.choose(thumbnails)

    def choose(self, thumbnails):
        variance = thumbnails.flatten(1, 3).var(dim=1) * self.scale
        indices = variance.topk(min(2, variance.shape[1])).indices.sort().values
        kept = torch.ones_like(indices, dtype=torch.bool)
        return type("Choice", (), {"indices": indices, "kept": kept})


class PlainSampler(nn.Module):
    """A stand-in for a sampler: sees the volume itself; its second row is not kept."""

    def forward(self, thumbnails):
        return type("Choice", (), {"indices": torch.tensor([[1, 4]]), "kept": torch.tensor([[True, False]])})


def volume(depth, channels=1):
    return MetaTensor(torch.rand(channels, 6, 5, depth) + 1, affine=AFFINE)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"num_slices": 4}, [1, 3, 6, 8]),
        ({"num_slices": 3, "mode": "centre"}, [3, 4, 5]),
        ({"num_slices": 50}, list(range(10))),
        ({"fraction": 0.25}, [1, 5, 8]),
        ({"fraction": 0.01}, [5]),
        ({"sampler": lambda image: [7, 2, 2]}, [2, 7]),
        ({"sampler": PlainSampler().eval()}, [1]),
    ],
)
def test_the_rule_says_which_slices_are_kept(arguments, expected):
    image = volume(10)

    kept, indices = SelectSlices(**arguments)(image)

    assert indices.tolist() == expected
    assert indices.dtype == torch.int64
    assert torch.equal(kept.as_tensor(), image.as_tensor()[..., expected])
    assert torch.equal(kept.affine, image.affine)


def test_a_network_chooses_on_its_own_thumbnails():
    image = torch.zeros(1, 8, 8, 6)
    image[:, :4, :4, 1], image[:, :4, :4, 4], image[:, 4:, 4:, 5] = torch.rand(4, 4), torch.rand(4, 4), 9.0

    _, indices = SelectSlices(sampler=TopVariance().eval())(image)

    assert indices.tolist() == [1, 4]


def test_random_follows_its_seed_and_repeats_nothing():
    draws = [SelectSlices(5, mode="random").set_random_state(seed)(volume(9))[1].tolist() for seed in (3, 3, 4)]

    assert draws[0] == draws[1] != draws[2]
    assert draws[0] == sorted(set(draws[0]))


def test_inverse_puts_slices_back_and_fills_the_rest():
    image = volume(7)
    transform = SelectSlices(3, background=-1.0)

    back = transform.inverse(transform(image)[0])

    assert back.shape == image.shape
    assert torch.equal(back.as_tensor()[..., [1, 3, 5]], image.as_tensor()[..., [1, 3, 5]])
    assert (back.as_tensor()[..., [0, 2, 4, 6]] == -1).all()
    assert torch.equal(back.affine, image.affine)


def test_arrays_keep_their_type():
    kept, _ = SelectSlices(2)(np.ones((1, 4, 4, 6), dtype=np.uint8))

    assert kept.dtype == torch.uint8


def test_without_tracking_a_plain_tensor_comes():
    set_track_meta(False)
    try:
        kept, _ = SelectSlices(2)(torch.rand(1, 4, 4, 6))
    finally:
        set_track_meta(True)

    assert type(kept) is torch.Tensor


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("mode", ["uniform", "random", "centre"])
def test_items_of_different_depth_invert_after_batching(workers, mode):
    items = [{"image": volume(depth), "number": depth} for depth in (9, 11)]
    transform = Compose([SelectSlicesd("image", num_slices=4, mode=mode)])
    loader = DataLoader(Dataset(items, transform), batch_size=2, num_workers=workers, collate_fn=list_data_collate)

    batch = next(iter(loader))
    back = [transform.inverse(item)["image"].as_tensor() for item in decollate_batch(batch)]

    assert batch["image"].shape == (2, 1, 6, 5, 4)
    for item, slices, restored in zip(items, batch["image_slices"], back, strict=True):
        assert torch.equal(restored[..., slices], item["image"].as_tensor()[..., slices])
        assert restored.shape[-1] == item["number"]
        assert int((restored.amax(dim=(0, 1, 2)) > 0).sum()) == 4


def test_different_numbers_of_slices_can_be_padded_and_inverted():
    items = [{"image": volume(depth)} for depth in (8, 12)]
    select = SelectSlicesd("image", fraction=0.5)
    transform = Compose([select, DeleteItemsd("image_slices")])
    loader = DataLoader(Dataset(items, transform), batch_size=2, collate_fn=pad_list_data_collate)

    batch = next(iter(loader))
    back = [select.inverse(PadListDataCollate.inverse(item)) for item in decollate_batch(batch)]

    assert batch["image"].shape == (2, 1, 6, 5, 6)
    assert [item["image"].shape[-1] for item in back] == [8, 12]
    assert torch.equal(
        back[0]["image"].as_tensor()[..., [1, 3, 5, 7]], items[0]["image"].as_tensor()[..., [1, 3, 5, 7]]
    )


def test_image_and_mask_keep_the_same_random_slices():
    image = volume(20, channels=2)
    transform = SelectSlicesd(["image", "mask"], 5, mode="random").set_random_state(1)

    kept = transform({"image": image, "mask": image[:1] * 2, "label": 1})

    assert torch.equal(kept["mask"].as_tensor(), kept["image"].as_tensor()[:1] * 2)
    assert kept["image_slices"].tolist() == kept["mask_slices"].tolist()
    assert set(transform.inverse(kept)) == {"image", "mask", "label"}


def test_dictionary_form_pickles_and_passes_over_missing_keys():
    transform = pickle.loads(pickle.dumps(SelectSlicesd("image", 2, allow_missing_keys=True)))
    data = {"image": volume(5)}

    assert transform(data)["image"].shape == (1, 6, 5, 2)
    assert data["image"].shape == (1, 6, 5, 5)
    assert transform({"other": 1}) == {"other": 1}


def test_randomize_of_the_dictionary_form_draws():
    transform = SelectSlicesd("image", 2, mode="random").set_random_state(0)

    transform.randomize((2, 6))

    assert len(transform.select._drawn) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give num_slices, fraction or sampler, one of them"),
        ({"num_slices": 2, "fraction": 0.5}, "one of them, got num_slices=2, fraction=0.5"),
        ({"num_slices": 0}, "num_slices must be at least 1, got 0"),
        ({"fraction": 1.5}, r"fraction must be in \(0, 1\], got 1.5"),
        ({"num_slices": 2, "mode": "middle"}, "mode must be .* got 'middle'"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SelectSlices(**arguments)


def test_missing_channel_axis_says_how_to_add_it():
    with pytest.raises(ValueError, match=r"got \(4, 5, 6\); add a channel axis"):
        SelectSlices(2)(torch.rand(4, 5, 6))


def test_a_training_network_is_refused():
    with pytest.raises(ValueError, match=r"TopVariance is in train\(\).* call its eval\(\) first"):
        SelectSlices(sampler=TopVariance())(volume(5))


@pytest.mark.parametrize("chosen", [[], [5], [-1, 2]])
def test_a_sampler_must_choose_real_slices(chosen):
    with pytest.raises(ValueError, match=r"at least one slice in \[0, 5\)"):
        SelectSlices(sampler=lambda image: torch.tensor(chosen))(volume(5))


def test_keys_of_different_depth_are_refused():
    with pytest.raises(ValueError, match="'image' has 5 slices, 'mask' has 4; select them apart"):
        SelectSlicesd(["image", "mask"], 2)({"image": volume(5), "mask": volume(4)})


def test_inverse_needs_all_kept_slices():
    transform = SelectSlices(3)
    kept, _ = transform(volume(7))

    with pytest.raises(ValueError, match=r"needs the 3 kept slices on the last axis, got \(1, 6, 5, 2\)"):
        transform.inverse(kept[..., :2])
