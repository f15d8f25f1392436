"""Brain MR with known tumour slices: how sets are drawn, whole brains, and one cell of each grid by the engine."""

import json
from pathlib import Path

import pytest

from benchmarks.engine.sweep import run_sweep
from benchmarks.sets.lgg import lgg_brain_cases, lgg_set_cases, truth_of_some
from tests.lgg_files import write_brains

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def brains(tmp_path_factory):
    return write_brains(tmp_path_factory.mktemp("brains"))


def test_sets_are_ordered_slices_with_a_run_of_tumour_or_without(brains):
    cases = lgg_set_cases(brains, 8)

    assert len(cases) == 7 * 6
    assert "P7" not in {case["patient"] for case in cases}
    assert {tuple(case["image"].shape) for case in cases} == {(1, 8, 8, 12)}
    assert [case["label"] for case in cases] == [1, 0] * 21
    assert {int(case["telling"].sum()) for case in cases if case["label"] == 1} <= {1, 2, 3, 4}
    assert all(int(case["telling"].sum()) == 0 for case in cases if case["label"] == 0)
    # telling slices are neighbours of one another, and bright
    where = [case["telling"].nonzero()[:, 0] for case in cases if case["label"] == 1]
    assert all(int(places[-1] - places[0]) == len(places) - 1 for places in where)
    bright = [float(case["image"][0, 2, 2, case["telling"]].min()) for case in cases if case["label"] == 1]
    assert min(bright) == 1.0


def test_whole_brains_have_one_of_two_places_and_an_oracle_keeps_tumour_slices_alone(brains):
    whole, known = lgg_brain_cases(brains, 8), lgg_brain_cases(brains, 8, oracle=0.125)

    assert [case["patient"] for case in whole] == ["P0", "P1", "P2", "P3", "P4", "P5", "P7"]
    assert [case["label"] for case in whole] == [0, 1, 0, 1, 0, 1, 0]
    assert [case["lengths"] for case in whole[:2]] == [16, 18]
    assert whole[0]["slices"] == whole[0]["telling"].nonzero()[:, 0].tolist() == [6, 7, 8]
    assert [case["lengths"] for case in known] == [2] * 7
    assert all(bool(case["telling"].all()) for case in known)


def test_the_slices_of_some_patients_are_known(brains):
    cases = lgg_brain_cases(brains, 8)

    some = truth_of_some(cases, 2, seed=0)

    assert sum(case["slices"] is not None for case in some) == 2
    assert some == truth_of_some(cases, 2, seed=0)
    assert all(case["slices"] is not None for case in truth_of_some(cases, None, seed=0))
    with pytest.raises(ValueError, match="number must be 0 to the 7 patients of the training part, got 8"):
        truth_of_some(cases, 8, seed=0)


@pytest.mark.parametrize(
    ("name", "rows"), [("lgg_sets", ["das"]), ("lgg_brains", ["das, slices of 5 patients", "oracle"])]
)
def test_rows_of_the_grids_run(name, rows, brains, write_grid, tmp_path):
    grid = json.loads((ROOT / f"benchmarks/grids/{name}.json").read_text(encoding="utf-8"))
    few = [each for each in grid["methods"] if (each if isinstance(each, str) else each["name"]) in rows]
    for each in few:
        if isinstance(each, dict) and "truth_patients" in each["set"]:
            each["set"]["truth_patients"] = 2
    recipe = {**grid.get("recipe", {}), "epochs": 1, "batch_size": 2, "size": 32, "pretrained": False}
    path = write_grid(data=[name], folds=2, recipe=recipe, methods=few, budgets=[0.25])

    lines = {line["method"]: line["test"] for line in run_sweep(path, tmp_path / "runs.jsonl", str(brains), 0, str)}

    assert sorted(lines) == sorted(rows)
    assert all(0.0 <= found["met"] <= 1.0 for found in lines.values())
    if "oracle" in lines:
        assert lines["oracle"]["precision"] == lines["oracle"]["met"] == 1.0
