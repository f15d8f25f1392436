"""The hippocampus set of a sweep: coronal slices of one size, subjects apart."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.engine.grid import read_grid
from benchmarks.engine.sweep import run_sweep
from benchmarks.sets.made_up_cases import hippocampus_cases
from monai_das.datasets import write_nifti

ROOT = Path(__file__).parents[3]


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
    cases = hippocampus_cases(str(hippocampi), 32)

    assert {tuple(case["image"].shape) for case in cases} == {(1, 32, 32, 40)}
    assert [case["label"] for case in cases] == [0, 1] * 3
    assert [case["patient"] for case in cases] == ["7", "7", "8", "8", "9", "9"]
    # height is right to left, width head to feet, slices front to back, or the other way round: steps of 1, 4 and 2
    steps = [cases[0]["image"][0, 8:24, 8:24, 8:32].float().diff(dim=axis).mean().item() for axis in range(3)]
    assert steps[1] == pytest.approx(4 * steps[0], rel=0.1)
    assert steps[2] == pytest.approx(2 * steps[0], rel=0.1)
    # the second crop is 30 voxels high: one row of padding on either side
    assert int(cases[1]["image"][0, :, 0].max()) == 0 < int(cases[1]["image"][0, :, 1].max())


def test_hippocampi_have_no_split_of_their_own_and_are_not_everywhere(write_grid, hippocampi, tmp_path):
    with pytest.raises(RuntimeError, match="Failed to evaluate") as error:
        run_sweep(write_grid(data=["hippocampus"]), tmp_path / "r.jsonl", str(hippocampi), 0, str)
    assert "hippocampus has no split of its own, only patients; give the grid folds" in str(error.value.__cause__)
    message = r"index\.csv: no such file; give the folder that has a folder hippocampus with index\.csv"
    with pytest.raises(FileNotFoundError, match=message):
        hippocampus_cases(str(tmp_path), 32)


def test_methods_are_compared_on_hippocampi_by_subjects(write_grid, hippocampi, tmp_path):
    grid = read_grid(ROOT / "benchmarks/grids/hippocampus.json")
    del grid["base"]
    one = {"like": "common.json", "folds": 2, "budgets": [0.25], "methods": ["das"]}
    small = write_grid(**{**grid, **one, "recipe": {"epochs": 1, "batch_size": 2}})

    lines = run_sweep(small, tmp_path / "r.jsonl", str(hippocampi), 0, str)

    assert [line["k"] for line in lines] == [10, 10]
    assert sorted(len(line["groups"]) for line in lines) == [2, 4]
    assert sorted(len(set(line["groups"])) for line in lines) == [1, 2]
