"""Active learning by simulated readers: who is reviewed when, what is told, and jobs that are not run twice."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from benchmarks.commands import main
from benchmarks.engine.results_file import read_results
from benchmarks.sets import DASEvidenceSet
from benchmarks.studies import active
from benchmarks.studies.active import ARMS, RECIPES, parts_of, run_active
from benchmarks.studies.simulated_readers import ReadersRecipe

RESULTS = Path(__file__).parents[3] / "docs/results"
TINY = replace(RECIPES["planted"], cases=16, pool=45, test=20, readers=ReadersRecipe(epochs=1, tune_epochs=1))


@pytest.fixture
def asked(monkeypatch):
    """What fine-tuning was given: for each round the cases and their verdicts."""
    given = []
    tune = active.fine_tuned

    def noted(start, settings, recipe, verdicts, cell):
        given.append((torch.stack([case["image"] for case in settings["train_cases"]]), verdicts))
        return tune(start, settings, recipe, verdicts, cell)

    monkeypatch.setattr(active, "fine_tuned", noted)
    return given


def test_rounds_add_new_cases_of_the_pool_and_keep_the_earlier_ones(asked, monkeypatch, tmp_path):
    monkeypatch.setitem(RECIPES, "planted", TINY)
    results = tmp_path / "runs.jsonl"

    report = run_active(None, ["planted"], seeds=1, results=results, draws=20)

    figures = json.loads(report.splitlines()[-1])["planted"]
    assert all(0.0 <= figures[name]["agreement"] <= 1.0 for name in ARMS)
    assert [len(images) for images, _ in asked] == [26, 36, 56] * 2
    for order in (asked[:3], asked[3:]):
        for (images, verdicts), (more, later) in pairwise(order):
            assert torch.equal(images, more[: len(images)])
            assert torch.equal(verdicts, later[: len(verdicts)])
        images, verdicts = order[-1]
        assert len(torch.unique(images.flatten(1), dim=0)) == len(images)
        assert not verdicts[:16].any()
        assert verdicts[16:].any(dim=1).all()
    assert not torch.equal(asked[0][0], asked[3][0])
    assert [line["job"]["seed"] for line in read_results(results)] == [200]
    asked.clear()
    assert main(["active", "--tasks", "planted", "--seeds", "1", "--results", str(results)]) == 0
    assert asked == []


def test_no_patient_is_in_two_parts(monkeypatch):
    cases = [
        {"image": torch.full((1, 2, 2, 12), float(number)), "label": place % 2, "telling": torch.ones(12, dtype=bool)}
        | {"patient": f"P{number}"}
        for number in range(16)
        for place in range(6)
    ]
    monkeypatch.setattr(active, "lgg_set_cases", lambda root, size: cases)

    parts = parts_of("lgg", replace(RECIPES["lgg"], cases=24), 201, "data")

    who = [set(part.images[:, 0, 0, 0, 0].tolist()) for part in parts]
    assert [len(each) for each in who] == [4, 8, 4]
    assert len(set.union(*who)) == 16
    assert isinstance(parts.pool, DASEvidenceSet)


def test_the_page_is_what_the_recorded_trainings_say():
    page = (RESULTS / "active.md").read_text(encoding="utf-8").splitlines()

    report = run_active(None, ["planted", "lgg"], seeds=8, results=RESULTS / "active.jsonl")

    rows = [line for line in report.splitlines() if line.startswith("|")]
    assert [line for line in page if line.startswith("|")] == rows
