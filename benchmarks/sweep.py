"""Run the jobs of a grid that a results file does not have yet, and say how long it will take."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from pathlib import Path
from statistics import mean
from threading import Thread
from typing import Any

from benchmarks.results_file import Result, append_result, read_results
from benchmarks.sweep_grid import SweepJob, grid_jobs
from benchmarks.sweep_job import run_sweep_job

Report = Callable[[str], object]


def run_sweep(
    grid: Path, results: Path, root: str | None, processes: int, report: Report, weights: Path | None = None
) -> list[Result]:
    """Run what is missing and return the lines of all jobs of the grid.

    A job is done when its line stands in the results file, and then only; a sweep that was killed goes on with the
    others. Every finished job is appended at once.

    Args:
        grid: file with the grid, see :func:`grid_jobs`.
        results: the results file; other sweeps may have lines in it.
        root: folder of the data.
        processes: how many jobs run at a time, each by one thread; 0 runs them in this process.
        report: takes each line of progress.
        weights: folder that keeps the trained weights, for :func:`run_choice`; None keeps none.

    Raises:
        ValueError: the grid or the results file is unreadable, or see :func:`run_sweep_job`.
    """
    jobs = grid_jobs(grid)
    lines = read_results(results)
    done = known_lines(lines, results)
    missing = [job for job in jobs if job.key not in done]
    report(f"{grid.name}: {len(jobs)} jobs, {len(jobs) - len(missing)} of them are in {results.name}")
    if missing:
        costs = estimated_costs(missing, lines)
        hours = sum(costs.values()) / 3600.0
        report(
            f"estimated {hours:.2f} core-hours, {hours / max(1, processes):.2f} hours with {max(1, processes)} jobs; "
            f"nothing is known of the cost of {len(missing) - len(costs)} jobs"
        )
        commit = git_commit(grid.parent)
        progress = Progress(len(missing), report)
        for job, line in run_all(missing, root, processes, weights):
            append_result(results, {**line, "commit": commit})
            progress.finished(job, line)
    return grid_results(grid, results)


def grid_results(grid: Path, results: Path) -> list[Result]:
    """Return the lines of the results file that belong to the grid, in the grid's order.

    Raises:
        ValueError: the grid or the results file is unreadable, or none of the grid's jobs is done.
    """
    done = known_lines(read_results(results), results)
    lines = [done[job.key] for job in grid_jobs(grid) if job.key in done]
    if not lines:
        raise ValueError(f"{results}: has no run of {grid}; run the sweep without --tables-only first")
    return lines


def known_lines(lines: Sequence[Result], results: Path) -> dict[str, Result]:
    """Return ``lines`` by the key of their job; earlier keys are looked up in ``keys.json`` beside ``results``.

    That file maps keys of today to those that lines were written under. A line with the key itself goes first.
    """
    found = {str(line["job"]): line for line in lines}
    file = results.with_name("keys.json")
    if file.is_file():
        earlier: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        found = {new: found[old] for new, old in earlier.items() if old in found} | found
    return found


def run_all(
    jobs: Sequence[SweepJob], root: str | None, processes: int, weights: Path | None
) -> Iterator[tuple[SweepJob, Result]]:
    """Yield each job with its line, as they finish."""
    if processes == 0:
        yield from ((job, run_sweep_job(job, root, weights)) for job in jobs)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        futures = {pool.submit(run_sweep_job, job, root, weights): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()


def end_with_parent() -> None:
    """Let this process end with the one that started it: a killed sweep leaves no training behind."""

    def wait() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=wait, daemon=True).start()


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
    """Return the processor seconds that each job will take, by its key; jobs of which nothing is known are left out.

    Known are the runs of the same data, method and budget, by any engine and seed: their mean.
    """
    known: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for line in lines:
        known[line["data"], line["method"], line["budget"]].append(float(line["cpu_seconds"]))
    places = {job.key: (job.data, job.method, job.budget) for job in jobs}
    return {key: mean(known[place]) for key, place in places.items() if place in known}


def git_commit(folder: Path) -> str:
    """Return the commit of the code that runs, ``+`` behind it where tracked code is changed; "unknown" without git."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", str(here.parent), str(folder.parent))
        return head + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
