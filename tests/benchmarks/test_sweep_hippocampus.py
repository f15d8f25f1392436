"""The hippocampus set of a sweep: coronal slices of one size, subjects apart."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.sweep import run_sweep
from benchmarks.sweep_data import sweep_cases
from benchmarks.sweep_grid import read_grid
from monai_das.datasets import write_nifti

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hippocampi(tmp_path_factory):
    """Six volumes of three subjects; brighter to the right, the front and the head, by 1, 2 and 4 a voxel."""
    root = tmp_path_factory.mktemp("hippocampi")
    index = ["image,subject_guess,large_volume"]
    for number, shape in enumerate([(34, 44, 36), (33, 48, 30)] * 3):
        ramp = sum(
            np.arange(size, dtype=np.float32).reshape([-1 if axis == place else 1 for axis in range(3)]) * by
            for place, (size, by) in enumerate(zip(shape, (1, 2, 4), strict=True))
        )
        write_nifti(ramp, root / f"hippocampus/images/{number}.nii.gz")
        index.append(f"images/{number}.nii.gz,{number // 2 + 7},{float(number % 2)}")
    (root / "hippocampus/index.csv").write_text("\n".join([*index, "images/none.nii.gz,9,\n"]))
    return root


def test_hippocampi_are_coronal_slices_of_one_size_with_their_subjects(hippocampi):
    cases = sweep_cases(str(hippocampi), "hippocampus", "train", 32, 0)

    assert cases.images.shape == (6, 1, 32, 32, 40)
    assert cases.labels.tolist() == [0, 1] * 3
    assert cases.groups.tolist() == [7, 7, 8, 8, 9, 9]
    # height is right to left, width head to feet, slices front to back, or the other way round: steps of 1, 4 and 2
    steps = [cases.images[0, 0, 8:24, 8:24, 8:32].float().diff(dim=axis).mean().item() for axis in range(3)]
    assert steps[1] == pytest.approx(4 * steps[0], rel=0.1)
    assert steps[2] == pytest.approx(2 * steps[0], rel=0.1)
    # the second crop is 30 voxels high: one row of padding on either side
    assert int(cases.images[1, 0, :, 0].max()) == 0 < int(cases.images[1, 0, :, 1].max())


def test_hippocampi_have_no_split_of_their_own_and_are_not_everywhere(hippocampi, tmp_path):
    with pytest.raises(ValueError, match="hippocampus has no split 'val', only patients; give the grid folds"):
        sweep_cases(str(hippocampi), "hippocampus", "val", 32, 0)
    message = r"index\.csv: no such file; give the folder that has a folder hippocampus with index\.csv"
    with pytest.raises(FileNotFoundError, match=message):
        sweep_cases(str(tmp_path), "hippocampus", "train", 32, 0)


def test_methods_are_compared_on_hippocampi_by_subjects(write_grid, hippocampi, tmp_path):
    grid = read_grid(ROOT / "benchmarks/grids/hippocampus.json")
    del grid["base"]
    one = {"like": "common.json", "folds": 2, "budgets": [0.25], "methods": ["das"]}
    small = write_grid(**{**grid, **one, "recipe": {"epochs": 1, "batch_size": 2}})

    lines = run_sweep(small, tmp_path / "r.jsonl", str(hippocampi), 0, str)

    assert [line["k"] for line in lines] == [10, 10]
    assert sorted(lines[0]["groups"] + lines[1]["groups"]) == [7, 7, 8, 8, 9, 9]
    assert not set(lines[0]["groups"]) & set(lines[1]["groups"])
