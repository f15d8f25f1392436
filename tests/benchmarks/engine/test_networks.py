"""The networks that the grids of the repository name are made, and classify what their data is."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.engine.grid import grid_jobs
from benchmarks.engine.job import job_parser, network_of, run_sweep_job
from benchmarks.engine.results_file import recalls_of
from benchmarks.sets.made_up_cases import CASES, evidence_cases

ROOT = Path(__file__).parents[3]
GRIDS = ["ablation", "ablation_evidence", "adrenal64", "budget", "evidence", "headline"]


@pytest.mark.parametrize("name", GRIDS)
def test_every_method_of_the_grids_classifies_its_data(name):
    jobs = {(job.data, job.method): job for job in grid_jobs(ROOT / f"benchmarks/grids/{name}.json")}

    for job in jobs.values():
        parser = job_parser(job, None)
        size, depth, classes = (parser.get_parsed_content(name) for name in ("size", "depth", "num_classes"))
        parser.set(10, "total_steps")
        network = parser.get_parsed_content("network_def").eval()
        logits = network(torch.rand(1, 1, size, size, depth))
        assert logits.shape == (1, classes), json.dumps([job.data, job.method])


def test_a_network_of_a_job_is_untrained_and_in_eval(write_grid):
    (job,) = grid_jobs(write_grid(methods=["top_variance"]))

    assert not network_of(job, None).training


@pytest.mark.parametrize(
    ("name", "depth", "telling"), [("needle", 32, {1}), ("hard_needle", 32, {1, 2}), ("planted", 24, {3})]
)
def test_made_up_sets_have_truth_and_the_depth_of_their_config(name, depth, telling):
    cases = evidence_cases(name, "val")

    assert len(cases) == CASES["val"]
    assert {tuple(case["image"].shape) for case in cases} == {(1, 28, 28, depth)}
    assert {int(case["telling"].sum()) for case in cases} == telling
    assert json.loads((ROOT / f"configs/data/{name}.json").read_text())["depth"] == depth


@pytest.mark.parametrize(("name", "split"), [("haystack", "val"), ("needle", "both")])
def test_sets_and_splits_that_there_are_not_are_named(name, split):
    with pytest.raises(ValueError, match=f"name must be one of .* and split one of .*{name}.*{split}"):
        evidence_cases(name, split)


def test_only_the_hard_needle_can_be_drawn_otherwise():
    assert evidence_cases("hard_needle", "val", number=2, depth=24, rician=True)[0]["image"].shape == (1, 28, 28, 24)
    with pytest.raises(ValueError, match=r"only hard_needle can be drawn otherwise, got .*'depth'.* for needle"):
        evidence_cases("needle", "val", number=2, depth=24)


def test_the_recall_of_every_case_is_kept(monkeypatch):
    for split, number in (("train", 16), ("val", 4), ("test", 10)):
        monkeypatch.setitem(CASES, split, number)
    jobs = grid_jobs(ROOT / "benchmarks/grids/evidence.json")
    job = next(job for job in jobs if (job.data, job.method) == ("planted", "full"))

    line = run_sweep_job(job, None)

    assert recalls_of(line).tolist() == [1.0] * 10
    assert line["test"]["recall"] == 1.0
    assert line["sources"]["mr"].startswith("anatomical.nii of the nibabel wheel")
