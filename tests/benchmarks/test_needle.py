import json

import pytest
import torch
from benchmarks.needle_data import DEPTH, ring_and_cross
from benchmarks.needle_table import needle_jobs, run_jobs, summary, table

from benchmarks import NeedleJob, NeedleRecipe, needle_set
from benchmarks.needle import METHODS, REFERENCES, run_job, widening
from monai_das.cli import main

TINY = NeedleRecipe(epochs=1, train_cases=32, test_cases=40, hold=0.25, end=0.75)


def test_needles_are_where_they_are_said_to_be():
    cases = needle_set(40, seed=3)
    shapes = ring_and_cross()

    means = cases.images.mean(dim=(0, 1, 2, 3))
    bright = torch.stack([cases.images[case, ..., slice_].amax() for case, slice_ in enumerate(cases.needles)])

    assert cases.images.shape == (40, 1, 28, 28, 32)
    assert shapes.sum(dim=(1, 2)).tolist() == [24.0, 13.0]
    assert means.min() > 0.05
    assert bright.min() > 4.0
    assert set(cases.labels.tolist()) == {0, 1}


def test_variance_misleads():
    cases = needle_set(30, seed=4)

    order = cases.images.var(dim=(1, 2, 3)).argsort(dim=1, descending=True)

    assert not (order[:, :10] == cases.needles[:, None]).any()


def test_the_same_seed_gives_the_same_volumes():
    assert torch.equal(needle_set(3, seed=5).images, needle_set(3, seed=5).images)


@pytest.mark.parametrize("method", METHODS + REFERENCES)
def test_every_arm_trains_and_is_measured(method):
    budget = DEPTH if method in REFERENCES else 4

    outcome = run_job(NeedleJob(method, budget, 0, TINY))

    assert 0.0 <= outcome["auc"] <= 1.0
    assert (outcome["found"] == 1.0) == (method in REFERENCES)
    assert outcome["seconds"] > 0.0


def test_the_budget_stays_wide_then_shrinks():
    recipe = NeedleRecipe(hold=2.0, end=4.0)

    assert [widening(epoch, recipe) for epoch in (0.0, 2.0, 3.0, 4.0, 9.0)] == [1.0, 1.0, 0.5, 0.0, 0.0]


def test_the_table_has_every_method_and_budget():
    jobs = needle_jobs(seeds=2, reference_seeds=1, budgets=(4, 2), recipe=TINY)
    results = {job: {"auc": 0.5 + 0.1 * job.seed, "found": 0.25, "seconds": 3.0} for job in jobs}

    figures = summary(results)
    text = table(results)

    assert len(jobs) == 2 + len(METHODS) * 2 * 2
    assert figures["auc"] == dict.fromkeys(METHODS, 0.55)
    assert figures["auc_min"] == dict.fromkeys(METHODS, 0.5)
    assert set(figures["k"]) == {"4", "2"}
    assert figures["reference"] == dict.fromkeys(REFERENCES, 0.5)
    assert "| DASSampler | 4 | 0.550 (0.500) | 0.25 | 2 | 3 |" in text
    assert "| reference: full, mean | 32 |" in text


def test_jobs_run_in_processes():
    jobs = [NeedleJob("DASUniformSampler", 4, seed, TINY) for seed in (0, 1)]

    assert set(run_jobs(jobs, processes=1)) == set(jobs)


def test_the_command_prints_table_and_json(monkeypatch, capsys):
    monkeypatch.setattr(
        "benchmarks.needle_table.run_jobs",
        lambda jobs, processes: {job: {"auc": 0.75, "found": 1.0, "seconds": float(processes)} for job in jobs},
    )

    codes = [main(["benchmark", "needle", "--short"]), main(["benchmark", "needle", "--seeds", "3", "--jobs", "1"])]

    short, whole = (line for line in capsys.readouterr().out.splitlines() if line.startswith("{"))
    assert codes == [0, 0]
    assert json.loads(short)["auc"] == {"DASSampler": 0.75, "DASTopVarianceSampler": 0.75}
    assert set(json.loads(whole)["k"]) == {"4", "2", "1"}
