import shutil

import numpy as np
import pytest
import torch

from tests.bundle.bundle_runs import BUNDLE, SMALL, workflow

CASES = {"train": 12, "val": 8, "test": 8}


def small_volumes(number):
    """Return ``(number, 28, 28, 28)`` uint8 volumes and labels ``(number, 1)``; every second one has a box."""
    labels = np.arange(number) % 2
    images = np.random.default_rng(number).integers(0, 50, (number, 28, 28, 28), dtype=np.uint8)
    images[:, :8] = 0
    images[labels == 1, 14, 8:20, 8:20] = 255
    return images, labels[:, None].astype(np.uint8)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A small data set in the MedMNIST layout."""
    folder = tmp_path_factory.mktemp("data")
    arrays = {}
    for split, number in CASES.items():
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = small_volumes(number)
    np.savez(folder / "adrenalmnist3d.npz", **arrays)
    return folder


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """A copy of the bundle whose weights are those of a random network of its own size."""
    folder = tmp_path_factory.mktemp("zoo") / "bundle"
    shutil.copytree(BUNDLE, folder, ignore=shutil.ignore_patterns("models", "runs", "eval"))
    (folder / "models").mkdir()
    network = workflow(folder, ["inference.json"], {}, "infer").parser.get_parsed_content("network_def")
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    return folder


@pytest.fixture
def small(bundle, data_dir, tmp_path):
    """Settings that make a training small and keep what it writes in a folder of the test."""
    return SMALL | {"bundle_root": str(bundle), "dataset_dir": str(data_dir), "output_dir": str(tmp_path / "out")}
