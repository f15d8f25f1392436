"""The networks that the grids of the repository name are made, and classify what their data is."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.results_file import recalls_of
from benchmarks.sweep_data import MADE_UP_CASES, sweep_cases
from benchmarks.sweep_grid import grid_jobs, settings_of
from benchmarks.sweep_job import built, run_sweep_job

ROOT = Path(__file__).parents[2]
GRIDS = ["ablation", "ablation_evidence", "adrenal64", "budget", "evidence", "headline"]


@pytest.mark.parametrize("name", GRIDS)
def test_every_method_of_the_grids_classifies_its_data(name):
    jobs = {(job.data, job.method): job for job in grid_jobs(ROOT / f"benchmarks/grids/{name}.json")}

    for job in jobs.values():
        settings = settings_of(job)
        network, _ = built(job, total_steps=10)
        size, depth = settings["size"], settings["depth"]
        logits = network.eval()(torch.rand(1, 1, size, size, depth))
        assert logits.shape == (1, settings["num_classes"]), json.dumps([job.data, job.method])


def test_the_recall_of_every_case_is_kept(monkeypatch):
    monkeypatch.setitem(MADE_UP_CASES, "train", 16)
    monkeypatch.setitem(MADE_UP_CASES, "val", 4)
    monkeypatch.setitem(MADE_UP_CASES, "test", 10)
    jobs = grid_jobs(ROOT / "benchmarks/grids/evidence.json")
    job = next(job for job in jobs if (job.data, job.method) == ("planted", "full"))

    try:
        line = run_sweep_job(job, None)
    finally:
        sweep_cases.cache_clear()

    assert recalls_of(line).tolist() == [1.0] * 10
    assert line["test"]["recall"] == 1.0
    assert line["sources"]["mr"].startswith("anatomical.nii of the nibabel wheel")
