import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.commands import main
from benchmarks.engine.grid import grid_jobs, read_grid
from benchmarks.engine.job import job_parser, recall, split_of
from benchmarks.engine.results_file import predictions, read_results
from benchmarks.engine.sweep import git_commit, grid_results, known_lines, run_sweep
from benchmarks.tables import table_rows
from monai_das.datasets import covid_blues_datalist
from monai_das.samplers import DASCentreSampler

ROOT = Path(__file__).parents[3]
TIMES = ("cpu_seconds", "ms")


def rows_of(lines):
    return [{k: v for k, v in vars(row).items() if k not in TIMES} for row in table_rows(lines, draws=50)]


def killed_after_one_line(grid, results, masks):
    """Run the sweep in a process of its own and kill it, without warning, once it has written a line."""
    code = (
        "import sys; from pathlib import Path; from benchmarks.engine.sweep import run_sweep; "
        "run_sweep(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], 0, print)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, str(grid), str(results), str(masks)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not read_results(results):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)


def test_a_killed_sweep_goes_on_and_gives_the_same_table(write_grid, masks, tmp_path):
    grid = write_grid(methods=["top_variance", "das", "dps", "uniform"])
    killed, whole = tmp_path / "killed.jsonl", tmp_path / "whole.jsonl"

    killed_after_one_line(grid, killed, masks)
    before = len(read_results(killed))
    said = []
    again = run_sweep(grid, killed, str(masks), 0, said.append)
    once = run_sweep(grid, whole, str(masks), 0, said.append)

    assert 0 < before < 4
    assert said[:2] == ["small.json:", f"4 jobs, {before} of them are done"]
    assert len(read_results(killed)) == 4
    assert rows_of(again) == rows_of(once)


def test_the_sweep_says_what_it_will_take_and_how_far_it_is(write_grid, masks, tmp_path):
    said = []

    lines = run_sweep(write_grid(methods=["centre", "uniform"]), tmp_path / "r.jsonl", str(masks), 1, said.append)

    assert said[2].startswith("estimated 0.00 core-hours, 0.00 hours with 1 jobs; ")
    assert said[2].endswith("nothing is known of the cost of 2 jobs")
    assert said[4].startswith("[2/2] adrenal28 ")
    assert said[4].endswith("about 0 min left")
    assert {"val", "test", "settings", "configs", "commit", "seconds", "cpu_seconds"} <= set(lines[0])
    assert lines[0]["engine"] == "monai"
    assert lines[0]["configs"][0] == "bundle/configs/train.json"
    assert lines[0]["settings"]["num_slices"] == 4
    assert (lines[0]["seed"], lines[0]["budget"], lines[0]["k"]) == (0, 0.125, 4)


def test_an_earlier_seed_tells_the_cost_of_a_later_one(write_grid, masks, tmp_path):
    said, results = [], tmp_path / "r.jsonl"
    run_sweep(write_grid(methods=["centre"]), results, str(masks), 0, said.append)
    line = read_results(results)[0]
    results.write_text(json.dumps(line | {"cpu_seconds": 7200.0}) + "\n")

    run_sweep(write_grid(methods=["centre"], seeds=[0, 1]), results, str(masks), 0, said.append)

    assert "estimated 2.00 core-hours, 2.00 hours with 1 jobs; nothing is known of the cost of 0 jobs" in said


def test_cross_validation_holds_out_every_training_case_once(write_grid, masks, tmp_path):
    lines = run_sweep(write_grid(methods=["centre"], folds=2), tmp_path / "r.jsonl", str(masks), 0, str)

    assert [line["fold"] for line in lines] == [0, 1]
    assert all("val" not in line for line in lines)
    assert rows_of(lines)[0]["seeds"] == 1


def test_without_a_run_there_is_no_table(write_grid, tmp_path):
    with pytest.raises(ValueError, match=r"has no run of .*small\.json; run the sweep without --tables-only first"):
        grid_results(write_grid(), tmp_path / "r.jsonl")


@pytest.fixture(scope="module")
def blues(tmp_path_factory):
    pytest.importorskip("av")
    from tests.data.video_clips import write_blues

    return write_blues(tmp_path_factory.mktemp("blues"))


def test_recall_is_the_share_of_telling_slices_that_were_chosen():
    telling = torch.zeros(2, 6, dtype=torch.bool)
    telling[0, [2, 5]] = telling[1, 3] = True

    assert recall(DASCentreSampler(num_slices=2)(torch.rand(2, 1, 4, 4, 6)), telling).tolist() == [0.5, 1.0]


def test_recall_counts_kept_rows_alone():
    telling = torch.tensor([[True, False, True, False], [True, True, False, False]])

    selection = DASCentreSampler(num_slices=2)(torch.rand(2, 1, 4, 4, 4), torch.tensor([4, 1]))

    assert recall(selection, telling).tolist() == [0.5, 0.5]


def test_a_depth_that_is_not_the_datas_is_refused(write_grid, masks, tmp_path):
    grid = write_grid(methods=["centre"])
    config = tmp_path / "configs/data/adrenal28.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"depth": 27}))

    with pytest.raises(ValueError, match="depth must be that of the volumes, 28, got 27; correct the config"):
        run_sweep(grid, tmp_path / "r.jsonl", str(masks), 0, str)


def test_lines_of_earlier_keys_are_known_and_go_second(tmp_path):
    results = tmp_path / "runs.jsonl"
    (tmp_path / "keys.json").write_text(json.dumps({"new": "old", "newer": "older", "gone": "none"}))
    lines = [{"job": "old", "seed": 1}, {"job": "older", "seed": 2}, {"job": "newer", "seed": 3}]

    known = known_lines(lines, results)

    assert {key: line["seed"] for key, line in known.items()} == {"old": 1, "older": 2, "new": 1, "newer": 3}


def test_methods_are_compared_on_clips_by_patients(write_grid, blues, tmp_path):
    grid = json.loads((ROOT / "benchmarks/grids/covid_blues.json").read_text(encoding="utf-8"))
    recipe = {"epochs": 1, "batch_size": 4, "size": 32}
    one = {"like": "common.json", "folds": 2, "budgets": [0.25], "seeds": [0]}
    small = write_grid(**{**grid, **one, "methods": ["das", "dps"], "recipe": recipe})

    lines = run_sweep(small, tmp_path / "r.jsonl", str(blues), 0, str)

    assert [line["method"] for line in lines] == ["das", "dps"] * 2
    assert {line["k"] for line in lines} == {8}
    assert lines[0]["settings"]["network_def#sampler#variance"] == "between"
    assert len(table_rows(lines, draws=10)) == 2


def test_clips_are_padded_and_parts_are_those_of_the_datalist(write_grid, blues):
    one = {"folds": 3, "data": ["covid_blues"], "recipe": {"size": 28}, "methods": ["centre"], "budgets": [0.25]}

    for job in grid_jobs(write_grid(**one, seeds=[0])):
        train, test = (split_of(job_parser(job, str(blues)), split) for split in ("train", "test"))
        held = covid_blues_datalist(blues, fold=job.fold, num_folds=3)["validation"]
        assert len(train.labels) + len(test.labels) == 18
        assert len(test.labels) == len(held)
        for image, length in zip(test.images, test.lengths.tolist(), strict=True):
            assert int(image[..., length:].count_nonzero()) == 0
            assert float(image[..., length - 1].max()) > 0.0


def test_four_scores_are_four_classes(write_grid, blues, tmp_path):
    grid = read_grid(ROOT / "benchmarks/grids/covid_blues.json")
    recipe = {"target": "severity", "num_classes": 4, "epochs": 1, "batch_size": 4, "size": 32}
    del grid["base"]
    one = {"like": "common.json", "folds": 2, "budgets": [0.25], "seeds": [0]}
    small = write_grid(**{**grid, **one, "methods": ["top_variance"], "recipe": recipe})

    (line, _) = run_sweep(small, tmp_path / "r.jsonl", str(blues), 0, str)

    probabilities, labels = predictions(line)
    assert line["settings"]["target"] == "severity"
    assert probabilities.shape == (len(labels), 4)
    assert set(labels.tolist()) == {0, 1, 2, 3}
    assert len(line["groups"]) == len(labels)


def test_the_commit_is_that_of_the_code():
    assert len(git_commit().rstrip("+")) in (40, len("unknown"))


def test_a_key_that_leads_to_the_line_of_another_cell_is_refused(write_grid, tmp_path):
    grid, results = write_grid(methods=["centre"]), tmp_path / "r.jsonl"
    key = grid_jobs(grid)[0].key
    line = {"job": "old", "data": "needle", "method": "centre", "budget": 0.125, "seed": 0, "fold": None}
    results.write_text(json.dumps(line) + "\n")
    results.with_name("keys.json").write_text(json.dumps({key: "old"}))

    with pytest.raises(ValueError, match=f"the key {key} of adrenal28, centre leads to the line of old, whose data is"):
        grid_results(grid, results)


def test_any_set_of_medmnist3d_runs_by_its_name(tmp_path, write_grid, monkeypatch, capsys):
    arrays = {}
    for number, split in enumerate(("train", "val", "test")):
        labels = np.arange(22) % 11
        images = np.random.default_rng(number).integers(0, 50, (22, 28, 28, 28), dtype=np.uint8)
        images[np.arange(22), 14, 2 * labels, 8:20] = 255
        arrays |= {f"{split}_images": images, f"{split}_labels": labels[:, None].astype(np.uint8)}
    np.savez(tmp_path / "organmnist3d.npz", **arrays)
    grid = write_grid(methods=["das", "full"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONAI_DAS_DATA", str(tmp_path))

    assert main(["table", "--data", "organmnist3d", "--grid", str(grid), "--jobs", "0"]) == 0

    lines = read_results(tmp_path / "organmnist3d/runs.jsonl")
    assert {(line["data"], line["method"]) for line in lines} == {("organmnist3d", "das"), ("organmnist3d", "full")}
    table, labels = predictions(lines[0])
    assert table.shape == (22, 11)
    assert labels.tolist() == (np.arange(22) % 11).tolist()
    assert "| organmnist3d | 12.5% | das | 1 |" in capsys.readouterr().out
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("name", ["organmnist3d_32", "organ"])
def test_data_that_is_neither_folder_nor_set_is_refused(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SystemExit) as exit_:
        main(["table", "--data", name])

    assert exit_.value.code == 2
    assert "--data must be a folder or one of organmnist3d, nodulemnist3d, " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
