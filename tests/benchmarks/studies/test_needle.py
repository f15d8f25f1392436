import json

import pytest

from benchmarks.commands import main
from benchmarks.engine.results_file import append_result, read_results
from benchmarks.studies.needle import NAMES, REFERENCES, needle_jobs, run_needle, slices_of, summary, table


def line_of(job, auc=0.75):
    return {
        "job": job.key,
        "data": job.data,
        "method": job.method,
        "budget": job.budget,
        "seed": job.seed,
        "k": slices_of(job),
        "test": {"auc": auc + 0.1 * job.seed, "recall": 0.25},
        "cpu_seconds": 3.0,
    }


def test_the_table_has_every_method_and_budget():
    jobs = needle_jobs(2)

    lines = [line_of(job, 0.5) for job in jobs]

    figures = summary(lines)
    text = table(lines)
    assert len(jobs) == 2 * (len(NAMES) * 3 + len(REFERENCES))
    assert figures["auc"] == dict.fromkeys(NAMES.values(), 0.55)
    assert figures["auc_min"] == dict.fromkeys(NAMES.values(), 0.5)
    assert set(figures["k"]) == {"4", "2", "1"}
    assert figures["reference"] == dict.fromkeys(REFERENCES.values(), 0.55)
    assert "| DASSampler | 4 | 0.550 (0.500) | 0.25 | 2 | 3 |" in text
    assert "| reference: full, mean | 32 |" in text


def test_the_default_sampler_is_the_one_that_is_trained():
    job = needle_jobs(1, short=True)[0]

    assert job.method == "das"
    assert [file.name for file in job.files] == ["train.json", "needle.json", "das.json", "cell.json"]


def test_references_need_two_seeds():
    jobs = needle_jobs(5)

    assert {job.seed for job in jobs if job.method in REFERENCES} == {0, 1}
    assert {job.seed for job in jobs if job.method == "das"} == set(range(5))


@pytest.mark.parametrize("seeds", [0, 6])
def test_seeds_that_the_grid_has_not_are_refused(seeds):
    with pytest.raises(ValueError, match=f"seeds must be in 1 to 5, got {seeds}"):
        needle_jobs(seeds)


def test_finished_trainings_are_not_run_again(tmp_path, capsys):
    results, said = tmp_path / "needle.jsonl", []
    for job in needle_jobs(1, short=True):
        append_result(results, line_of(job))

    report = run_needle(5, 0, results, said.append, short=True)
    code = main(["needle", "--short", "--jobs", "0", "--results", str(results)])

    *_, last = capsys.readouterr().out.splitlines()
    assert said == ["2 jobs, 2 of them are done"]
    assert len(read_results(results)) == 2
    assert code == 0
    assert json.loads(report.splitlines()[-1]) == json.loads(last)
    assert json.loads(last)["auc"] == {"DASSampler": 0.75, "DASTopVarianceSampler": 0.75}
