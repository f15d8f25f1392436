"""Small sweeps on made-up masks, in the folders that a grid expects."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
CASES = {"train": 8, "val": 6, "test": 12}


@pytest.fixture(scope="session")
def masks(tmp_path_factory):
    """A folder with a small data set in the MedMNIST layout; every second case has a box in the middle slices."""
    folder = tmp_path_factory.mktemp("masks")
    arrays = {}
    for number, (split, count) in enumerate(CASES.items()):
        labels = np.arange(count) % 2
        images = np.random.default_rng(number).integers(0, 50, (count, 28, 28, 28), dtype=np.uint8)
        images[labels == 1, 14, 8:20, 8:20] = 255
        arrays |= {f"{split}_images": images, f"{split}_labels": labels[:, None].astype(np.uint8)}
    np.savez(folder / "adrenalmnist3d.npz", **arrays)
    return folder


@pytest.fixture
def write_grid(tmp_path):
    """A function that writes a grid of one-epoch trainings, with ``changes``, and returns its path."""
    configs = tmp_path / "configs"
    for name in ("data", "method"):
        shutil.copytree(ROOT / "configs" / name, configs / name)
    (configs / "grids").mkdir()
    common = json.loads((ROOT / "benchmarks/grids/equal_terms.json").read_text(encoding="utf-8"))
    common |= {"base": str(ROOT / "bundle/configs/train.json"), "recipe": {"epochs": 1, "batch_size": 4}}
    (configs / "grids" / "common.json").write_text(json.dumps(common), encoding="utf-8")
    grid = {
        "like": "common.json",
        "data": ["adrenal28"],
        "methods": ["das", "top_variance", "full"],
        "budgets": [0.125],
        "seeds": [0],
    }

    def write(**changes):
        path = configs / "grids" / "small.json"
        path.write_text(json.dumps(grid | changes), encoding="utf-8")
        return path

    return write
