"""Run the jobs of a grid that a results file does not have yet, and say how long it will take."""

from __future__ import annotations

import json
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.engine.grid import DataEntry, SweepJob, grid_jobs
from benchmarks.engine.job import run_sweep_job
from benchmarks.engine.pool import run_in_pool
from benchmarks.engine.results_file import Result, append_result, read_results

# where the code lies that a training runs
CODE = ("monai_das", "benchmarks", "configs", "bundle")
# by which a line and a job are told to be of one cell
PLACE = ("data", "method", "budget", "seed", "fold")
Report = Callable[[str], object]


def run_sweep(
    grid: Path,
    results: Path,
    root: str | None,
    processes: int,
    report: Report,
    weights: Path | None = None,
    data: Sequence[DataEntry] = (),
) -> list[Result]:
    """Run what is missing and return the lines of all jobs of the grid.

    A job counts as done only if its line is in the results file, so a killed sweep goes on with the others. Every
    finished job is appended at once.

    Args:
        grid: file with the grid, see :func:`grid_jobs`.
        results: the results file; other sweeps may have lines in it.
        root: folder of the data.
        processes: how many jobs run at a time, each by one thread; 0 runs them in this process.
        report: takes each line of progress.
        weights: folder that keeps the trained weights, for :func:`run_choice`; None keeps none.
        data: data sets instead of those of the grid, see :func:`grid_jobs`.

    Raises:
        ValueError: the grid or the results file is unreadable, or see :func:`run_sweep_job`.
    """
    report(f"{grid.name}:")
    run_jobs(grid_jobs(grid, data), results, root, processes, report, weights)
    return grid_results(grid, results, data)


def run_jobs(
    jobs: Sequence[SweepJob],
    results: Path | None,
    root: str | None,
    processes: int,
    report: Report,
    weights: Path | None = None,
) -> list[Result]:
    """Run the ``jobs`` that ``results`` lacks, append each at once, and return the lines of all jobs in their order.

    With ``results`` None nothing is known in advance, and nothing is kept. See :func:`run_sweep` for the rest.
    """
    known = [] if results is None else read_results(results)
    done = checked_lines(jobs, known_lines(known, results))
    missing = [job for job in jobs if job.key not in done]
    report(f"{len(jobs)} jobs, {len(jobs) - len(missing)} of them are done")
    if missing:
        costs = estimated_costs(missing, known)
        hours = sum(costs.values()) / 3600.0
        report(
            f"estimated {hours:.2f} core-hours, {hours / max(1, processes):.2f} hours with {max(1, processes)} jobs; "
            f"nothing is known of the cost of {len(missing) - len(costs)} jobs"
        )
    commit = git_commit()
    progress = Progress(len(missing), report)
    train = partial(run_sweep_job, root=root, weights=weights)
    for job, outcome in run_in_pool(train, missing, processes):
        line = {**outcome, "commit": commit}
        done[job.key] = line
        if results is not None:
            append_result(results, line)
        progress.finished(job, line)
    return [done[job.key] for job in jobs]


def grid_results(grid: Path, results: Path, data: Sequence[DataEntry] = ()) -> list[Result]:
    """Return the lines of the results file that belong to the grid, in the grid's order.

    Raises:
        ValueError: the grid or the results file is unreadable, or none of the grid's jobs is done.
    """
    jobs = grid_jobs(grid, data)
    done = checked_lines(jobs, known_lines(read_results(results), results))
    lines = [done[job.key] for job in jobs if job.key in done]
    if not lines:
        raise ValueError(f"{results}: has no run of {grid}; run the sweep without --tables-only first")
    return lines


def known_lines(lines: Sequence[Result], results: Path | None) -> dict[str, Result]:
    """Return ``lines`` by the key of their job; earlier keys are looked up in ``keys.json`` beside ``results``.

    That file maps keys of today to those that lines were written under. A line with the key itself takes precedence.
    """
    found = {str(line["job"]): line for line in lines}
    file = None if results is None else results.with_name("keys.json")
    if file is not None and file.is_file():
        earlier: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        found = {new: found[old] for new, old in earlier.items() if old in found} | found
    return found


def checked_lines(jobs: Sequence[SweepJob], lines: dict[str, Result]) -> dict[str, Result]:
    """Return ``lines``, by key, after a look that those of ``jobs`` are of the same cell.

    Raises:
        ValueError: a line is of another data set, method, budget, seed or fold: ``keys.json`` maps a key wrongly.
    """
    for job in jobs:
        line = lines.get(job.key, {})
        wrong = [name for name in PLACE if name in line and line[name] != getattr(job, name)]
        if wrong:
            raise ValueError(
                f"the key {job.key} of {job.data}, {job.method} leads to the line of {line['job']}, whose "
                f"{wrong[0]} is {line[wrong[0]]!r}, not {getattr(job, wrong[0])!r}; correct keys.json"
            )
    return lines


class Progress:
    """Tell after each job how far the sweep is and how long the rest will take at the pace so far."""

    def __init__(self, total: int, report: Report) -> None:
        self.total = total
        self.done = 0
        self.report = report
        self.began = time.perf_counter()

    def finished(self, job: SweepJob, line: Result) -> None:
        """Count ``job`` as done."""
        self.done += 1
        left = (time.perf_counter() - self.began) / self.done * (self.total - self.done) / 60.0
        budget = "all" if job.budget is None else f"{job.budget:.1%}"
        self.report(
            f"[{self.done}/{self.total}] {job.data} {job.method} {budget} seed {job.seed}: "
            f"AUC {line['test']['auc']:.3f}, {line['cpu_seconds']:.0f} s; about {left:.0f} min left"
        )


def estimated_costs(jobs: Sequence[SweepJob], lines: Sequence[Result]) -> dict[str, float]:
    """Return the estimated processor seconds of each job, by its key; jobs without such runs are left out.

    The estimate is the mean of the runs of the same data, method and budget, by any engine and seed.
    """
    known: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for line in lines:
        known[line["data"], line["method"], line["budget"]].append(float(line["cpu_seconds"]))
    places = {job.key: (job.data, job.method, job.budget) for job in jobs}
    return {key: mean(known[place]) for key, place in places.items() if place in known}


def git_commit() -> str:
    """Return the commit of the code that runs, ``+`` behind it where tracked code is changed; "unknown" without git."""
    here = Path(__file__).parents[2]

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        changed = git(
            "status", "--porcelain", "--untracked-files=no", "--", "monai_das", "benchmarks", "configs", "bundle"
        )
        return head + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
