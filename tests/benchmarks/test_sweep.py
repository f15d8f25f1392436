import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from benchmarks.results_file import predictions, read_results
from benchmarks.sweep import git_commit, grid_results, run_sweep
from benchmarks.sweep_data import SweepCases, as_input, augmented, held_out, shifted, sweep_cases
from benchmarks.sweep_grid import grid_jobs, read_grid, settings_of
from benchmarks.sweep_job import RunningAverage, job_splits, recall
from benchmarks.tables import table_rows
from monai_das.datasets import covid_blues_datalist
from monai_das.samplers import DASCentreSampler

ROOT = Path(__file__).parents[2]
TIMES = ("cpu_seconds", "ms")


def rows_of(lines):
    return [{k: v for k, v in vars(row).items() if k not in TIMES} for row in table_rows(lines, draws=50)]


def killed_after_one_line(grid, results, masks):
    """Run the sweep in a process of its own and kill it, without warning, once it has written a line."""
    code = (
        "import sys; from pathlib import Path; from benchmarks.sweep import run_sweep; "
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
    assert said[0] == f"small.json: 4 jobs, {before} of them are in killed.jsonl"
    assert len(read_results(killed)) == 4
    assert rows_of(again) == rows_of(once)


def test_the_sweep_says_what_it_will_take_and_how_far_it_is(write_grid, masks, tmp_path):
    said = []

    lines = run_sweep(write_grid(methods=["centre", "uniform"]), tmp_path / "r.jsonl", str(masks), 1, said.append)

    assert said[1].startswith("estimated 0.0")
    assert said[1].endswith("hours with 1 jobs")
    assert said[3].startswith("[2/2] adrenal28 ")
    assert said[3].endswith("about 0 min left")
    assert {"val", "test", "settings", "commit", "seconds", "cpu_seconds"} <= set(lines[0])
    assert lines[0]["settings"]["num_slices"] == 4
    assert (lines[0]["seed"], lines[0]["budget"], lines[0]["k"]) == (0, 0.125, 4)


def test_an_earlier_seed_tells_the_cost_of_a_later_one(write_grid, masks, tmp_path):
    said, results = [], tmp_path / "r.jsonl"
    run_sweep(write_grid(methods=["centre"]), results, str(masks), 0, said.append)
    line = read_results(results)[0]
    results.write_text(json.dumps(line | {"cpu_seconds": 7200.0}) + "\n")

    run_sweep(write_grid(methods=["centre"], seeds=[0, 1]), results, str(masks), 0, said.append)

    assert "estimated 2.00 core-hours, 2.00 hours with 1 jobs" in said


def test_cross_validation_holds_out_every_training_case_once(write_grid, masks, tmp_path):
    lines = run_sweep(write_grid(methods=["centre"], folds=2), tmp_path / "r.jsonl", str(masks), 0, str)

    assert [line["fold"] for line in lines] == [0, 1]
    assert all("val" not in line for line in lines)
    assert rows_of(lines)[0]["seeds"] == 1


def test_without_a_run_there_is_no_table(write_grid, tmp_path):
    with pytest.raises(ValueError, match=r"has no run of .*small\.json; run the sweep without --tables-only first"):
        grid_results(write_grid(), tmp_path / "r.jsonl")


def test_data_that_needs_a_folder_says_so():
    with pytest.raises(ValueError, match="adrenalmnist3d needs the folder of the data; give --data, or set MONAI_DAS"):
        sweep_cases(None, "adrenalmnist3d", "train", 28, 0)


def test_a_depth_that_is_not_the_datas_is_refused(write_grid, masks, tmp_path):
    grid = write_grid(recipe={"epochs": 1, "batch_size": 4, "depth": 27})

    with pytest.raises(ValueError, match="adrenal28: depth must be that of the volumes, 28; correct the config"):
        run_sweep(grid, tmp_path / "r.jsonl", str(masks), 0, str)


def test_parts_have_both_classes_and_no_case_twice():
    cases = SweepCases(torch.arange(12.0), torch.tensor([0] * 8 + [1] * 4))

    parts = [held_out(cases, fold, 4) for fold in range(4)]

    assert sorted(int(i) for _, out in parts for i in out.images) == list(range(12))
    assert all(out.labels.sum() == 1 for _, out in parts)
    assert all(not set(inside.images.tolist()) & set(out.images.tolist()) for inside, out in parts)


def test_input_is_scaled_per_case_and_floats_are_left_alone():
    images = torch.tensor([[50, 100, 150], [7, 7, 7]], dtype=torch.uint8)[:, None, None, None]

    assert as_input(images).flatten().tolist() == [0.0, 0.5, 1.0, 0.0, 0.0, 0.0]
    assert as_input(torch.ones(1)) is not None


def test_augmentation_moves_and_flips_without_new_values():
    images = torch.rand(6, 1, 5, 5, 5)

    changed = augmented(images, 0.5, 1)
    still = augmented(images, 0.0, 0)

    assert torch.equal(still, images)
    assert not torch.equal(changed, images)
    assert set(changed.flatten().tolist()) <= set(images.flatten().tolist())
    assert shifted(torch.tensor([[[[1.0, 2.0, 3.0]]]]), [0, 0, 1]).flatten().tolist() == [1.0, 1.0, 2.0]


@pytest.fixture(scope="module")
def blues(tmp_path_factory):
    pytest.importorskip("av")
    from tests.data.video_clips import write_blues

    return write_blues(tmp_path_factory.mktemp("blues"))


def test_clips_are_padded_at_their_end_and_parts_are_those_of_the_datalist(blues):
    cases = sweep_cases(str(blues), "covid_blues", "train", 28, 0)

    assert cases.images.shape == (18, 1, 28, 28, 32)
    assert (int(cases.lengths.min()), int(cases.lengths.max())) == (4, 9)
    for image, length in zip(cases.images, cases.lengths.tolist(), strict=True):
        assert int(image[..., length:].sum()) == 0
        assert int(image[..., :length].amin(dim=(0, 1, 2)).min()) >= 0 < int(image[..., length - 1].max())
    for fold in range(3):
        inside, outside = held_out(cases, fold, 3)
        held = covid_blues_datalist(blues, fold=fold, num_folds=3)["validation"]
        assert set(inside.groups.tolist()).isdisjoint(outside.groups.tolist())
        assert sorted(outside.groups.tolist()) == sorted(int(item["image"].split("_")[-2]) for item in held)
        assert len(inside.labels) + len(outside.labels) == 18


def test_clips_have_no_split_of_their_own(blues):
    with pytest.raises(ValueError, match="covid_blues has no split 'test', only patients; give the grid folds"):
        sweep_cases(str(blues), "covid_blues", "test", 28, 0)


def test_methods_are_compared_on_clips_by_patients(write_grid, blues, tmp_path):
    grid = json.loads((ROOT / "benchmarks/grids/covid_blues.json").read_text(encoding="utf-8"))
    recipe = {"epochs": 1, "batch_size": 4, "size": 32}
    one = {"like": "common.json", "folds": 2, "budgets": [0.25], "seeds": [0]}
    small = write_grid(**{**grid, **one, "methods": ["das", "dps"], "recipe": recipe})

    lines = run_sweep(small, tmp_path / "r.jsonl", str(blues), 0, str)

    assert [line["method"] for line in lines] == ["das", "dps"] * 2
    assert {line["k"] for line in lines} == {8}
    assert lines[0]["settings"]["network_def"]["sampler"]["variance"] == "between"
    assert len(table_rows(lines, draws=10)) == 2


def test_a_recipe_is_chosen_inside_the_training_patients_of_each_part(write_grid, blues):
    one = {"folds": 3, "data": ["covid_blues"], "recipe": {"size": 28}, "methods": ["centre"], "budgets": [0.25]}
    plain, inside = (grid_jobs(write_grid(**one, seeds=[0], **extra)) for extra in ({}, {"inside": True}))

    assert [job.fold for job in inside] == list(range(9))
    assert not {job.key for job in plain} & {job.key for job in inside}
    for job in inside:
        train, _, test = job_splits(job, settings_of(job), str(blues))
        outer = plain[job.fold // 3]
        kept, _, left_away = (
            part and set(part.groups.tolist()) for part in job_splits(outer, settings_of(outer), str(blues))
        )
        assert set(train.groups.tolist()) | set(test.groups.tolist()) == kept
        assert set(train.groups.tolist()).isdisjoint(test.groups.tolist())
        assert left_away.isdisjoint(train.groups.tolist())


def test_four_scores_are_four_classes(write_grid, blues, tmp_path):
    grid = read_grid(ROOT / "benchmarks/grids/covid_blues_severity.json")
    recipe = {**grid["recipe"], "epochs": 1, "batch_size": 4, "size": 32}
    del grid["base"]
    one = {"like": "common.json", "folds": 2, "budgets": [0.25], "seeds": [0]}
    small = write_grid(**{**grid, **one, "methods": ["top_variance"], "recipe": recipe})

    (line, _) = run_sweep(small, tmp_path / "r.jsonl", str(blues), 0, str)

    probabilities, labels = predictions(line)
    assert line["settings"]["target"] == "severity"
    assert probabilities.shape == (len(labels), 4)
    assert set(labels.tolist()) == {0, 1, 2, 3}
    assert len(line["groups"]) == len(labels)


def test_the_padding_of_clips_stays_where_it_is():
    lengths = torch.tensor([2, 5, 1, 4])
    images = torch.rand(4, 1, 6, 6, 5) + 1.0
    for image, length in zip(images, lengths, strict=True):
        image[..., length:] = 0.0

    changed = augmented(images, 0.5, 1, lengths)

    assert not torch.equal(changed, images)
    for image, length in zip(changed, lengths, strict=True):
        assert float(image[..., length:].sum()) == 0.0
        assert float(image[..., :length].min()) >= 1.0
    upright = augmented(torch.arange(6.0)[None, None, None, :, None].expand(4, 1, 6, 6, 5), 1.0, 0, lengths)
    assert upright[:, 0, 0, :, 0].tolist() == [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]] * 4


def test_the_average_follows_the_last_steps_and_shared_weights_count_once():
    layer = torch.nn.Linear(1, 1)
    network = torch.nn.ModuleList([layer, layer])
    average = RunningAverage(network, share=1.0)

    for value in (1.0, 2.0, 3.0):
        torch.nn.init.constant_(layer.weight, value)
        average.update()

    assert average.network[0].weight.item() == pytest.approx(2.0)


def test_recall_is_the_share_of_telling_slices_that_were_chosen():
    telling = torch.zeros(2, 6, dtype=torch.bool)
    telling[0, [2, 5]] = telling[1, 3] = True

    assert recall(DASCentreSampler(num_slices=2)(torch.rand(2, 1, 4, 4, 6)), telling).tolist() == [0.5, 1.0]


def test_recall_counts_kept_rows_alone():
    telling = torch.tensor([[True, False, True, False], [True, True, False, False]])

    selection = DASCentreSampler(num_slices=2)(torch.rand(2, 1, 4, 4, 4), torch.tensor([4, 1]))

    assert recall(selection, telling).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("name", "depth", "telling"), [("needle", 32, {1}), ("hard_needle", 32, {1, 2}), ("planted", 24, {3})]
)
def test_made_up_sets_have_truth_and_the_depth_of_their_config(name, depth, telling):
    cases = sweep_cases(None, name, "val", 28, 0)

    assert cases.images.shape == (300, 1, 28, 28, depth)
    assert set(cases.telling.sum(dim=1).tolist()) == telling
    assert json.loads((ROOT / f"configs/data/{name}.json").read_text())["depth"] == depth


def test_the_commit_is_that_of_the_code(tmp_path):
    assert len(git_commit(ROOT / "benchmarks/grids").rstrip("+")) in (40, len("unknown"))
