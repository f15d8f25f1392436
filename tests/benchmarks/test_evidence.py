import json

import pytest

from benchmarks.evidence import arm, finished_jobs
from benchmarks.needle import gated_sampler
from monai_das.networks import DASAttentionAggregation, DASGatedAggregation
from monai_das.samplers import DPSSampler

JOBS = [{"seed": seed} for seed in range(3)]


@pytest.fixture
def ran():
    return []


@pytest.fixture
def run(ran):
    """Return a job's function that counts its calls and fails at seed 1 as long as ``ran`` is short."""

    def job(settings):
        ran.append(settings["seed"])
        if settings["seed"] == 1 and len(ran) == 2:
            raise KeyboardInterrupt
        return {"auc": 0.5 + settings["seed"]}

    return job


def test_a_killed_run_goes_on_where_it_was(run, ran, tmp_path):
    file = tmp_path / "folder" / "results.jsonl"
    with pytest.raises(KeyboardInterrupt):
        list(finished_jobs(JOBS, run, file))

    rows = list(finished_jobs(JOBS, run, file))

    assert ran == [0, 1, 1, 2]
    assert rows == [{"seed": seed, "auc": 0.5 + seed} for seed in range(3)]


def test_a_line_that_was_cut_off_is_run_again(run, ran, tmp_path):
    file = tmp_path / "results.jsonl"
    list(finished_jobs(JOBS[:1], run, file))
    file.write_text(file.read_text() + '{"job": {"se')

    list(finished_jobs([JOBS[0], JOBS[2]], run, file))
    list(finished_jobs([JOBS[0], JOBS[2]], run, file))

    assert ran == [0, 2]
    assert json.loads(file.read_text().splitlines()[-1]) == {"job": {"seed": 2}, "outcome": {"auc": 2.5}}


def test_without_a_file_nothing_is_kept(run, ran):
    for _ in range(2):
        list(finished_jobs(JOBS[:1], run, None))

    assert ran == [0, 0]


@pytest.mark.parametrize(
    ("sampler", "aggregation"),
    [(gated_sampler(4), DASGatedAggregation), (DPSSampler(4, depth=24), DASAttentionAggregation)],
)
def test_only_das_is_weighted_by_its_scores(sampler, aggregation):
    network = arm(sampler, 28)

    assert network.sampler is sampler
    assert type(network.aggregation) is aggregation
