import pytest
import torch
from monai.data import MetaTensor

from monai_das.handlers import DASPrepareBatch, DASPrepareReviewed
from monai_das.transforms import DASRandFlipShift


@pytest.fixture
def batch():
    return {"image": torch.rand(2, 1, 4, 4, 5), "label": torch.tensor([0, 1]), "count": torch.tensor([5, 3])}


def test_images_and_labels_go_to_the_device_as_they_are(batch):
    images, labels, args, kwargs = DASPrepareBatch()(batch, "cpu", non_blocking=True)

    assert torch.equal(images, batch["image"])
    assert torch.equal(labels, batch["label"])
    assert (args, kwargs) == ((), {})


def test_arguments_for_to_are_passed_on(batch):
    images, labels, _, _ = DASPrepareBatch()(batch, "cpu", dtype=torch.float64)

    assert images.dtype == labels.dtype == torch.float64


def test_labels_may_be_a_list_and_images_keep_their_metadata(batch):
    batch = {"image": MetaTensor(batch["image"]), "label": [0, 1]}

    images, labels, _, _ = DASPrepareBatch()(batch)

    assert isinstance(images, MetaTensor)
    assert labels.tolist() == [0, 1]


def test_lengths_go_to_the_network_by_name(batch):
    _, _, _, kwargs = DASPrepareBatch(lengths_key="count")(batch, "cpu")

    assert kwargs["lengths"].tolist() == [5, 3]


def test_images_are_augmented_with_their_lengths(batch):
    seen = []

    def augment(images, lengths):
        seen.append(lengths)
        return images + 1.0

    plain = DASPrepareBatch(augment)(batch)[0]
    clips = DASPrepareBatch(augment, lengths_key="count")(batch)[0]

    torch.testing.assert_close(plain, batch["image"] + 1.0)
    torch.testing.assert_close(clips, plain)
    assert seen[0] is None
    assert seen[1].tolist() == [5, 3]


def test_the_batch_of_the_loader_is_not_changed(batch):
    before = batch["image"].clone()

    DASPrepareBatch(DASRandFlipShift(flip_prob=1.0, shift=1))(batch)

    assert torch.equal(batch["image"], before)


@pytest.mark.parametrize("missing", ["image", "label", "count"])
def test_a_missing_key_is_named(batch, missing):
    del batch[missing]

    with pytest.raises(KeyError, match=missing):
        DASPrepareBatch(lengths_key="count")(batch)


def test_a_batch_without_lengths_says_how_to_collate_it(batch):
    with pytest.raises(KeyError, match=r"has no 'lengths', but .*monai_das\.transforms\.DASPadCollate"):
        DASPrepareBatch(lengths_key="lengths")(batch)


@pytest.mark.parametrize("with_label", [True, False])
def test_reviewed_cases_have_verdicts_and_their_labels_unless_slices_teach_alone(with_label):
    batch = {
        "image": torch.rand(2, 1, 4, 4, 3),
        "label": torch.tensor([0, 1]),
        "verdicts": torch.ones(2, 1, 4, 4, 3),
        "slice_count": torch.tensor([3, 2]),
    }

    _, target, _, extra = DASPrepareReviewed(with_label)(batch)

    assert set(target) == ({"label", "verdicts"} if with_label else {"verdicts"})
    assert extra["lengths"].tolist() == [3, 2]
