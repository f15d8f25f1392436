import hashlib

import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader
from monai.transforms import EnsureTyped

from monai_das.datasets import medmnist, medmnist3d_datalist, medmnist3d_file

SET = "adrenalmnist3d"


@pytest.fixture
def arrays():
    random = np.random.default_rng(0)
    found = {}
    for split, count in (("train", 4), ("val", 2), ("test", 3)):
        found[f"{split}_images"] = random.integers(0, 255, (count, 28, 28, 28), dtype=np.uint8)
        found[f"{split}_labels"] = np.arange(count, dtype=np.uint8)[:, None] % 2
    return found


@pytest.fixture
def root(tmp_path, arrays):
    np.savez_compressed(tmp_path / f"{SET}.npz", **arrays)
    return tmp_path


@pytest.fixture
def official(root, monkeypatch):
    """Make ``root`` the official record, and return an empty folder to download to."""
    record = (root / f"{SET}.npz").rename(root / f"{SET}.npz?download=1")
    monkeypatch.setattr(medmnist, "RECORD", root.as_uri())
    monkeypatch.setitem(medmnist.MD5, SET, {28: hashlib.md5(record.read_bytes()).hexdigest()})
    return root / "empty"


@pytest.mark.parametrize(
    ("split", "key"), [("train", "train"), ("val", "val"), ("validation", "val"), ("test", "test")]
)
def test_a_split_becomes_a_datalist_with_slices_last(root, arrays, split, key):
    items = medmnist3d_datalist(root, SET, split, size=28)

    assert [item["label"] for item in items] == arrays[f"{key}_labels"][:, 0].tolist()
    assert items[0]["image"].shape == (1, 28, 28, 28)
    assert items[0]["image"].dtype == np.uint8
    assert np.array_equal(items[1]["image"][0, :, :, 5], arrays[f"{key}_images"][1, 5])


@pytest.mark.parametrize("slice_dim", [-3, -1, 1])
def test_the_slice_axis_can_be_chosen(root, arrays, slice_dim):
    (item,) = medmnist3d_datalist(root, SET, "test", size=28, slice_dim=slice_dim, limit=1)

    assert np.array_equal(item["image"][0], np.moveaxis(arrays["test_images"][0], slice_dim, -1))


def test_monai_makes_batches_of_it(root):
    items = medmnist3d_datalist(root, SET, size=28)
    loader = DataLoader(CacheDataset(items, EnsureTyped("image", dtype=torch.float32), progress=False), batch_size=4)

    batch = next(iter(loader))

    assert batch["image"].shape == (4, 1, 28, 28, 28)
    assert batch["label"].dtype == torch.int64


def test_a_copy_in_the_sets_own_folder_is_found(root):
    (root / "adrenal3d").mkdir()
    moved = (root / f"{SET}.npz").rename(root / "adrenal3d" / f"{SET}.npz")

    assert medmnist3d_file(root, SET, 28) == moved


def test_the_official_file_at_64_is_read(data_root):
    items = medmnist3d_datalist(data_root, SET, "test")

    assert len(items) == 298
    assert sum(item["label"] for item in items) == 69
    assert items[0]["image"].shape == (1, 64, 64, 64)


@pytest.mark.parametrize("size", [28, 64])
def test_the_table_has_the_official_md5(data_root, size):
    content = medmnist3d_file(data_root, SET, size).read_bytes()

    assert hashlib.md5(content).hexdigest() == medmnist.MD5[SET][size]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "adrenal"}, "name must be one of organmnist3d, .* got 'adrenal'"),
        ({"split": "dev"}, "split must be one of train, val, validation, test, got 'dev'"),
        ({"size": 32}, "size must be 28 or 64, got 32"),
        ({"slice_dim": 3}, "slice_dim must be in -3 to 2, got 3"),
        ({"limit": 0}, "limit must be at least 1, got 0"),
    ],
)
def test_bad_arguments_are_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        medmnist3d_datalist(tmp_path, **arguments)


def test_a_file_without_the_split_is_named(root):
    np.savez(root / f"{SET}.npz", train_images=np.zeros((1, 28, 28, 28)))

    with pytest.raises(ValueError, match=r"adrenalmnist3d.npz: lacks .*train_labels.*; delete it to download it again"):
        medmnist3d_datalist(root, SET, size=28)


def test_a_damaged_file_is_named(root):
    (root / f"{SET}.npz").write_bytes((root / f"{SET}.npz").read_bytes()[:5000])

    with pytest.raises(ValueError, match=r"adrenalmnist3d.npz: damaged .*; delete it to download it again"):
        medmnist3d_datalist(root, SET, size=28)


def test_pickled_objects_are_not_loaded(root):
    np.savez(root / f"{SET}.npz", train_images=np.array([{}], dtype=object), train_labels=np.zeros((1, 1)))

    with pytest.raises(ValueError, match=r"damaged .*allow_pickle"):
        medmnist3d_datalist(root, SET, size=28)


def test_a_file_of_another_size_is_named(root):
    (root / f"{SET}.npz").rename(root / f"{SET}_64.npz")

    with pytest.raises(ValueError, match=r"must be images \(N, 64, 64, 64\) with N labels, got \(4, 28, 28, 28\)"):
        medmnist3d_datalist(root, SET, size=64)


def test_what_is_not_there_is_downloaded_and_checked(official):
    items = medmnist3d_datalist(official, SET, size=28)

    assert len(items) == 4
    assert [path.name for path in official.iterdir()] == [f"{SET}.npz"]


def test_a_download_of_another_md5_is_not_kept(official, monkeypatch):
    monkeypatch.setitem(medmnist.MD5, SET, {28: "0" * 32})

    with pytest.raises(OSError, match=r"its MD5 is not 0+; nothing was kept: try again, or put the file at .*npz"):
        medmnist3d_datalist(official, SET, size=28)
    assert not official.exists()


def test_a_failed_download_says_where_to_put_the_file(official, monkeypatch):
    monkeypatch.setattr(medmnist, "RECORD", official.as_uri())

    with pytest.raises(
        OSError, match=r"adrenalmnist3d.npz: not there, and file:.* cannot be downloaded .*; put the file"
    ):
        medmnist3d_datalist(official, SET, size=28)
