"""``python -m benchmarks needle``: all arms of the needle test, in one table and one JSON object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from tqdm import tqdm

from benchmarks.needle import METHODS, REFERENCES, NeedleJob, NeedleRecipe, run_job
from benchmarks.pool import run_in_pool
from benchmarks.sets.needle import DEPTH

Results = dict[NeedleJob, dict[str, float]]
HEADLINE = 4


def needle_jobs(seeds: int, reference_seeds: int, budgets: Sequence[int], recipe: NeedleRecipe) -> list[NeedleJob]:
    """Return the trainings of the whole table, the longest first; references keep all slices and need one budget."""
    jobs = [NeedleJob(name, DEPTH, seed, recipe) for seed in range(reference_seeds) for name in REFERENCES]
    return jobs + [
        NeedleJob(method, budget, seed, recipe) for method in METHODS for seed in range(seeds) for budget in budgets
    ]


def run_jobs(jobs: Sequence[NeedleJob], processes: int) -> Results:
    """Run the jobs in ``processes`` processes of one thread each, with a progress bar."""
    return dict(tqdm(run_in_pool(run_job, jobs, processes), total=len(jobs), unit="run"))


def figures(results: Results, method: str, budget: int, name: str) -> list[float]:
    """Return the figure ``name`` of a method at a budget, one per seed."""
    return [outcome[name] for job, outcome in results.items() if job.method == method and job.num_slices == budget]


def summary(results: Results) -> dict[str, object]:
    """Return the JSON object of the benchmark: mean AUC (``auc``) and worst seed (``auc_min``) at k = 4, and all k."""
    methods = list(dict.fromkeys(job.method for job in results if job.method in METHODS))
    budgets = sorted({job.num_slices for job in results if job.method in METHODS}, reverse=True)
    headline = HEADLINE if HEADLINE in budgets else budgets[0]
    at = {
        budget: {method: round(mean(figures(results, method, budget, "auc")), 4) for method in methods}
        for budget in budgets
    }
    return {
        "auc": at[headline],
        "auc_min": {method: round(min(figures(results, method, headline, "auc")), 4) for method in methods},
        "k": {str(budget): row for budget, row in at.items()},
        "reference": {
            name: round(mean(figures(results, name, DEPTH, "auc")), 4)
            for name in REFERENCES
            if figures(results, name, DEPTH, "auc")
        },
    }


def table(results: Results) -> str:
    """Return the table for people: mean (worst seed) AUC, and how often the needle was chosen."""
    lines = [
        "| method | k of 32 | test AUC, mean (worst) | needle chosen | seeds | s per run |",
        "|---|---|---|---|---|---|",
    ]
    rows = sorted({(job.method in REFERENCES, -job.num_slices, job.method) for job in results})
    for reference, budget, method in rows:
        auc, found, seconds = (figures(results, method, -budget, name) for name in ("auc", "found", "seconds"))
        label = f"reference: {method}" if reference else method
        lines.append(
            f"| {label} | {-budget} | {mean(auc):.3f} ({min(auc):.3f}) | {mean(found):.2f} | {len(auc)} "
            f"| {mean(seconds):.0f} |"
        )
    return "\n".join(lines)


def run_needle(seeds: int = 5, processes: int = 2, *, short: bool = False) -> str:
    """Run the benchmark and return its table, with one JSON object as the last line.

    ``short``: one seed, k = 4 and two methods, for a check in minutes.
    """
    recipe = NeedleRecipe()
    jobs = needle_jobs(seeds, min(seeds, 2), (4, 2, 1), recipe)
    if short:
        quick = replace(recipe, test_cases=300)
        jobs = [NeedleJob(method, HEADLINE, 0, quick) for method in METHODS[:2]]
    results = run_jobs(jobs, processes)
    return f"{table(results)}\n{json.dumps(summary(results))}"
