import json

from benchmarks.needle import METHODS, REFERENCES, NeedleJob, NeedleRecipe

from benchmarks.commands import main
from benchmarks.studies.needle import needle_jobs, run_jobs, summary, table

TINY = NeedleRecipe(epochs=1, train_cases=32, test_cases=40, hold=0.25, end=0.75)


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
        "benchmarks.studies.needle.run_jobs",
        lambda jobs, processes: {job: {"auc": 0.75, "found": 1.0, "seconds": float(processes)} for job in jobs},
    )

    codes = [main(["needle", "--short"]), main(["needle", "--seeds", "3", "--jobs", "1"])]

    short, whole = (line for line in capsys.readouterr().out.splitlines() if line.startswith("{"))
    assert codes == [0, 0]
    assert json.loads(short)["auc"] == {"DASSampler": 0.75, "DASTopVarianceSampler": 0.75}
    assert set(json.loads(whole)["k"]) == {"4", "2", "1"}
