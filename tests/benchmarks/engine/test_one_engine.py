"""A cell of a sweep is what ``python -m monai.bundle run`` makes of the same configs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.engine.grid import grid_jobs
from benchmarks.engine.job import run_sweep_job
from monai_das.networks.held_terms import decoded_terms

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("method", ["das", "policy_topk"])
def test_a_cell_and_the_bundle_end_in_equal_weights_to_the_last_bit(method, write_grid, masks, tmp_path):
    (job,) = grid_jobs(write_grid(methods=[method], seeds=[3]))
    run_sweep_job(job, str(masks), tmp_path / "weights")
    files = [str(file) for file in job.files if file.name != "cell.json"]
    options = {**job.settings, "dataset_dir": masks, "output_dir": tmp_path / "runs", "logging_file": False}
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(files)]
    command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command += ["--meta_file", str(ROOT / "bundle/configs/metadata.json")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}

    subprocess.run(command, env=environment, check=True, capture_output=True)

    cell = torch.load(tmp_path / "weights" / f"{job.key}.pt", weights_only=True)
    bundle = torch.load(tmp_path / "runs" / "model.pt", weights_only=True)
    assert cell.keys() == bundle.keys()
    # a bundle's weights also describe its training cases, for the check of inputs
    terms = [decoded_terms(weights.pop("contract.text")) for weights in (cell, bundle)]
    assert terms[0]["numbers"] == terms[1]["numbers"]
    assert all(torch.equal(cell[name], bundle[name]) for name in cell)


def test_the_seed_decides(write_grid, masks, tmp_path):
    jobs = grid_jobs(write_grid(methods=["top_variance"], seeds=[0, 1, 0]))
    weights = [tmp_path / str(place) for place in range(3)]

    for job, folder in zip([jobs[0], jobs[1], jobs[0]], weights, strict=True):
        run_sweep_job(job, str(masks), folder)

    first, other, again = (torch.load(next(folder.iterdir()), weights_only=True) for folder in weights)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_a_cell_prints_nothing(write_grid, masks, capfd):
    (job,) = grid_jobs(write_grid(methods=["centre"]))

    run_sweep_job(job, str(masks))

    assert capfd.readouterr() == ("", "")
