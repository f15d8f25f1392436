"""The table of the simulated-reader experiment: figures, intervals, and jobs that are not run twice."""

import json
from pathlib import Path

import pytest

from benchmarks.commands import main
from benchmarks.engine.results_file import read_results
from benchmarks.studies import readers
from benchmarks.studies.readers import run_readers
from benchmarks.studies.simulated_readers import ARMS
from benchmarks.tables.old_engine import NOTE

RESULTS = Path(__file__).parents[3] / "docs/results"


def outcome(before, after):
    """Return what a job returns, of 40 cases, whose arms choose the wanted slice 2 in so many of them."""
    labels = [case % 2 for case in range(40)]

    def measured(hits):
        return {"p": [0.2 + 0.6 * label for label in labels], "chosen": [[2 if i < hits else 1] for i in range(40)]}

    named = {ARMS[0]: measured(before), ARMS[1]: measured(after), ARMS[2]: measured(before)}
    return {"label": labels, "verdicts": [[2]] * 39 + [[]], "evidence": [[2]] * 40, **named}


def test_a_clear_rise_has_an_interval_above_zero(monkeypatch):
    monkeypatch.setattr(readers, "readers_job", lambda job, root: outcome(10, 30 + job["seed"]))

    report, success = run_readers(None, ["needle"], seeds=2, first_seed=0, draws=100)

    figures = json.loads(report.splitlines()[-1])["tasks"]["needle"]
    assert success
    assert figures["before"]["agreement"] == pytest.approx(10 / 39, abs=1e-4)
    assert figures["after"]["rise"][0] == pytest.approx(20.5 / 39, abs=1e-4)
    assert 0.2 < figures["after"]["rise"][1] < figures["after"]["rise"][2] < 0.8
    assert figures["labels only"]["rise"] == [0.0, 0.0, 0.0]
    assert figures["after"]["auc_difference"] == [0.0, 0.0, 0.0]


def test_no_rise_is_no_success(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(
        "benchmarks.studies.readers.readers_job", lambda job, root: asked.append(job) or outcome(10, 10)
    )

    code = main(["readers", "--tasks", "needle", "--seeds", "2", "--first-seed", "7"])

    assert code == 1
    assert [job["seed"] for job in asked] == [7, 8]
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["success"] is False


def test_missing_clips_are_said_at_the_command_line(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["readers", "--tasks", "covid_blues", "--data", str(tmp_path)])

    assert "no severity.csv; give the folder of COVID-BLUES" in capsys.readouterr().err


def test_finished_jobs_are_not_run_again(monkeypatch, tmp_path):
    asked, file = [], tmp_path / "runs.jsonl"
    monkeypatch.setattr(readers, "readers_job", lambda job, root: asked.append(job["seed"]) or outcome(10, 20))

    first, _ = run_readers(None, ["needle"], seeds=1, results=file, draws=20)
    again, _ = run_readers(None, ["needle"], seeds=2, results=file, draws=20)

    assert asked == [200, 201]
    assert [line["job"]["seed"] for line in read_results(file)] == [200, 201]
    assert json.loads(first.splitlines()[-1])["tasks"]["needle"]["seeds"] == 1
    assert json.loads(again.splitlines()[-1])["tasks"]["needle"]["seeds"] == 2


def test_trainings_by_the_old_engine_are_marked(monkeypatch):
    monkeypatch.setattr(readers, "readers_job", lambda job, root: outcome(10, 20))
    old, _ = run_readers(None, ["needle"], seeds=1, draws=20)
    monkeypatch.setattr(readers, "readers_job", lambda job, root: outcome(10, 20) | {"engine": "monai"})

    new, _ = run_readers(None, ["needle"], seeds=1, draws=20)

    assert "| needle | after † |" in old
    assert NOTE in old.splitlines()
    assert "†" not in new


@pytest.mark.parametrize("task", ["needle", "needle_longer"])
def test_committed_trainings_are_read_again_and_are_what_the_page_shows(task, monkeypatch):
    # a job that is not in the file would call None
    monkeypatch.setattr(readers, "readers_job", None)

    report, _ = run_readers(None, [task], results=RESULTS / "readers.jsonl")

    rows = [line for line in report.splitlines() if line.startswith(f"| {task} |")]
    assert len(rows) == 3
    assert set(rows) <= set((RESULTS / "readers.md").read_text(encoding="utf-8").splitlines())
    assert NOTE in report


def test_committed_trainings_on_real_backgrounds_are_read_again(data_root, monkeypatch):
    monkeypatch.setattr(readers, "readers_job", None)

    report, success = run_readers(str(data_root), ["planted"], results=RESULTS / "readers.jsonl")

    rows = [line for line in report.splitlines() if line.startswith("| planted |")]
    assert success
    assert set(rows) <= set((RESULTS / "readers.md").read_text(encoding="utf-8").splitlines())
