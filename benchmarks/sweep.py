"""Run the jobs of a grid that a results file does not have yet, and say how long it will take."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

import torch

from benchmarks.frozen_features import remembers
from benchmarks.results_file import Result, append_result, read_results
from benchmarks.sweep_grid import SweepJob, grid_jobs, settings_of
from benchmarks.sweep_job import built, evaluate_cases, job_splits, run_sweep_job, train_network

Report = Callable[[str], object]
PROBE_STEPS = 3


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
    done = {line["job"] for line in read_results(results)}
    missing = [job for job in jobs if job.key not in done]
    report(f"{grid.name}: {len(jobs)} jobs, {len(jobs) - len(missing)} of them are in {results.name}")
    if missing:
        costs = estimated_costs(missing, read_results(results), root)
        hours = sum(costs.values()) / 3600.0
        report(f"estimated {hours:.2f} core-hours, {hours / max(1, processes):.2f} hours with {max(1, processes)} jobs")
        commit = git_commit(grid.parent)
        progress = Progress(costs, max(1, processes), report)
        for job, line in run_all(missing, root, processes, weights):
            append_result(results, {**line, "commit": commit})
            progress.finished(job, line)
    return grid_results(grid, results)


def grid_results(grid: Path, results: Path) -> list[Result]:
    """Return the lines of the results file that belong to the grid, in the grid's order.

    Raises:
        ValueError: the grid or the results file is unreadable, or none of the grid's jobs is done.
    """
    done = {line["job"]: line for line in read_results(results)}
    lines = [done[job.key] for job in grid_jobs(grid) if job.key in done]
    if not lines:
        raise ValueError(f"{results}: has no run of {grid}; run the sweep without --tables-only first")
    return lines


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

    def __init__(self, costs: dict[str, float], processes: int, report: Report) -> None:
        self.costs = dict(costs)
        self.total = len(costs)
        self.processes = processes
        self.report = report
        self.began = time.perf_counter()
        self.spent = 0.0

    def finished(self, job: SweepJob, line: Result) -> None:
        """Count ``job`` as done."""
        self.spent += self.costs.pop(job.key)
        pace = (time.perf_counter() - self.began) / max(self.spent, 1e-9)
        left = sum(self.costs.values()) * pace / 60.0
        budget = "all" if job.budget is None else f"{job.budget:.1%}"
        self.report(
            f"[{self.total - len(self.costs)}/{self.total}] {job.data} {job.method} {budget} seed {job.seed}: "
            f"AUC {line['test']['auc']:.3f}, {line['cpu_seconds']:.0f} s; about {left:.0f} min left"
        )


def estimated_costs(jobs: Sequence[SweepJob], lines: Sequence[Result], root: str | None) -> dict[str, float]:
    """Return the processor seconds that each job will take, by its key.

    Known from an earlier run that differs in nothing but the seed, else by a few steps of training, at the mean width
    that the budget has in the course of it.
    """
    known = {cost_class(line["settings"]): float(line["cpu_seconds"]) for line in lines}
    costs = {}
    for job in jobs:
        kind = cost_class(settings_of(job))
        if kind not in known:
            known[kind] = probed_seconds(job, root)
        costs[job.key] = known[kind]
    return costs


def cost_class(settings: Result) -> str:
    """Return what the cost of a job depends on: its settings, whatever the seed."""
    return repr(sorted((name, repr(value)) for name, value in settings.items()))


def probed_seconds(job: SweepJob, root: str | None) -> float:
    """Return an estimate of the processor seconds of ``job``, from a few steps and a look at a few cases."""
    torch.set_num_threads(1)
    settings = settings_of(job)
    train, _, test = job_splits(job, settings, root)
    hold, end = settings["widening_epochs"]
    wide = min(1.0, (hold + end) / 2.0 / settings["epochs"])
    steps = settings["epochs"] * (len(train.labels) // settings["batch_size"])
    probes = min(PROBE_STEPS, steps)
    few = test.take(torch.arange(min(len(test.labels), 16)))
    seconds = 0.0
    for epochs, share in (((settings["epochs"],) * 2, wide), ((0, 0), 1.0 - wide)):
        if share > 0.0:
            network, loss = built(job, steps)
            trial = {**settings, "widening_epochs": epochs}
            for _ in range(2 if remembers(network) else 1):  # the second time the features are remembered
                torch.manual_seed(0)
                began = time.process_time()
                train_network(network, loss, train, trial, probes)
            seconds += share * (time.process_time() - began) / probes * steps
    return seconds + 1.3 * evaluate_cases(network, few)[0]["ms"] / 1000.0 * len(test.labels)


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
