"""``python -m benchmarks needle``: all methods of the needle test, in one table and one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from benchmarks.engine.grid import SweepJob, grid_jobs
from benchmarks.engine.results_file import Result
from benchmarks.engine.sweep import Report, run_jobs
from benchmarks.sets.needle import DEPTH

GRID = Path(__file__).parents[1] / "grids" / "needle.json"
HEADLINE = 4
# the JSON object names the samplers
NAMES = {
    "das": "DASSampler",
    "top_variance": "DASTopVarianceSampler",
    "uniform": "DASUniformSampler",
    "dps": "DPSSampler",
    "das_paper": "DASPaperSampler",
}
REFERENCES = {"full": "full, attention", "full, mean": "full, mean"}
REFERENCE_SEEDS = 2


def needle_jobs(seeds: int, *, short: bool = False) -> list[SweepJob]:
    """Return the trainings of the table; references keep all slices and need two seeds.

    Args:
        seeds: trainings of each row, as many as the grid has at most.
        short: one seed, k = 4 and two methods.

    Raises:
        ValueError: ``seeds`` is below 1, or more than the grid has.
    """
    jobs = grid_jobs(GRID)
    most = 1 + max(job.seed for job in jobs)
    if not 1 <= seeds <= most:
        raise ValueError(f"seeds must be in 1 to {most}, got {seeds}")
    if short:
        quick = list(NAMES)[:2]
        return [job for job in jobs if job.method in quick and job.seed == 0 and slices_of(job) == HEADLINE]
    return [job for job in jobs if job.seed < (min(seeds, REFERENCE_SEEDS) if job.method in REFERENCES else seeds)]


def slices_of(job: SweepJob) -> int:
    """Return k of ``job``."""
    return int(job.settings["num_slices"])


def figures(lines: Sequence[Result], method: str, budget: int, name: str) -> list[float]:
    """Return the measure ``name`` of a method at a budget k, one per seed."""
    return [float(line["test"][name]) for line in lines if line["method"] == method and line["k"] == budget]


def summary(lines: Sequence[Result]) -> dict[str, Mapping[str, object]]:
    """Return the JSON object of the benchmark: mean AUC (``auc``) and worst seed (``auc_min``) at k = 4, and all k."""
    methods = [method for method in NAMES if any(line["method"] == method for line in lines)]
    budgets = sorted({int(line["k"]) for line in lines if line["method"] in NAMES}, reverse=True)
    headline = HEADLINE if HEADLINE in budgets else budgets[0]
    at = {
        budget: {NAMES[method]: round(mean(figures(lines, method, budget, "auc")), 4) for method in methods}
        for budget in budgets
    }
    return {
        "auc": at[headline],
        "auc_min": {NAMES[method]: round(min(figures(lines, method, headline, "auc")), 4) for method in methods},
        "k": {str(budget): row for budget, row in at.items()},
        "reference": {
            name: round(mean(found), 4)
            for method, name in REFERENCES.items()
            if (found := figures(lines, method, DEPTH, "auc"))
        },
    }


def table(lines: Sequence[Result]) -> str:
    """Return the table for people: mean (worst seed) AUC, and how often the needle was chosen."""
    rows = [
        "| method | k of 32 | test AUC, mean (worst) | needle chosen | seeds | s per run |",
        "|---|---|---|---|---|---|",
    ]
    places = sorted({(line["method"] in REFERENCES, -int(line["k"]), str(line["method"])) for line in lines})
    for reference, budget, method in places:
        auc, found = (figures(lines, method, -budget, name) for name in ("auc", "recall"))
        spent = mean(line["cpu_seconds"] for line in lines if line["method"] == method and line["k"] == -budget)
        label = f"reference: {REFERENCES[method]}" if reference else NAMES[method]
        rows.append(
            f"| {label} | {-budget} | {mean(auc):.3f} ({min(auc):.3f}) | {mean(found):.2f} | {len(auc)} | {spent:.0f} |"
        )
    return "\n".join(rows)


def run_needle(
    seeds: int, processes: int, results: Path | None, report: Report, *, short: bool = False, root: str | None = None
) -> str:
    """Run the benchmark and return its table, with one JSON object as the last line.

    Args:
        seeds, short: see :func:`needle_jobs`.
        processes: how many trainings run at a time, each by one thread; 0 runs them in this process.
        results: file of finished trainings; a run that was cut off goes on there. None keeps none.
        report: takes each line of progress.
        root: folder of the data; the needle's volumes are made, and need none.

    Raises:
        ValueError: ``seeds`` is out of range, or the results file is unreadable.
    """
    lines = run_jobs(needle_jobs(seeds, short=short), results, root, processes, report)
    return f"{table(lines)}\n{json.dumps(summary(lines))}"
