"""``python -m benchmarks readers``: the simulated-reader experiment of several seeds, with intervals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.engine.results_file import append_result, finished_jobs, job_name
from benchmarks.sets import real_backgrounds
from benchmarks.statistics import over_trainings
from benchmarks.studies.simulated_readers import ARMS, RECIPES, REQUIRED, ReadersRecipe, readers_job
from benchmarks.tables.old_engine import by_old_engine, marked, with_note
from monai_das.metrics import auc, case_weights, interval_of, slice_agreement, weighted_auc, weighted_mean
from monai_das.metrics.measures import Array, Labels

RunJob = Callable[[Mapping[str, Any], str | None], Mapping[str, Any]]
DRAWS = 1000
# recipes were chosen on seeds below
FIRST_SEED = 200


class ReadCases(NamedTuple):
    """One seed's held-out cases: labels ``(N,)``; per arm probabilities ``(N, 2)``, agreement ``(N,)`` (NaN: none)."""

    labels: Labels
    probabilities: dict[str, Array]
    agreement: dict[str, Array]


def read_cases(outcome: Mapping[str, Any], truth: str = "verdicts", arms: Sequence[str] = ARMS) -> ReadCases:
    """Return what one job measured; ``truth`` is ``"verdicts"`` (of the reader) or ``"evidence"`` (as planted)."""
    depth = 1 + max(max(each, default=0) for name in arms for each in outcome[name]["chosen"])
    depth = max(depth, 1 + max(max(slices, default=0) for slices in outcome[truth]))
    wanted = torch.zeros(len(outcome["label"]), depth)
    for case, slices in enumerate(outcome[truth]):
        wanted[case, slices] = 1.0
    ones = {name: np.array(outcome[name]["p"], np.float64) for name in arms}
    return ReadCases(
        np.array(outcome["label"], np.int64),
        {name: np.stack((1.0 - p, p), axis=1) for name, p in ones.items()},
        {name: slice_agreement(torch.tensor(outcome[name]["chosen"]), wanted).recall.numpy() for name in arms},
    )


def rise(seeds: Sequence[ReadCases], first: str, second: str, draws: int) -> list[float]:
    """Return how much ``second`` exceeds ``first`` in agreement, mean over ``seeds``, and the ends of its interval."""
    gains = [each.agreement[second] - each.agreement[first] for each in seeds]
    samples = [
        weighted_mean(gain, case_weights(each.labels, draws, place))
        for place, (each, gain) in enumerate(zip(seeds, gains, strict=True))
    ]
    return [float(np.mean([np.nanmean(gain) for gain in gains])), *interval_of(over_trainings(samples))]


def auc_difference(seeds: Sequence[ReadCases], first: str, second: str, draws: int) -> list[float]:
    """Return how much the AUC of ``second`` exceeds that of ``first``, mean over ``seeds``, and its interval."""
    samples = []
    for place, each in enumerate(seeds):
        weights = case_weights(each.labels, draws, place)
        better, worse = (weighted_auc(each.probabilities[name], each.labels, weights) for name in (second, first))
        samples.append(better - worse)
    return [mean_auc(seeds, second) - mean_auc(seeds, first), *interval_of(over_trainings(samples))]


def mean_auc(seeds: Sequence[ReadCases], arm: str) -> float:
    """Return the AUC of an arm, mean over ``seeds``."""
    return float(np.mean([auc(each.probabilities[arm], each.labels) for each in seeds]))


def mean_agreement(seeds: Sequence[ReadCases], arm: str) -> float:
    """Return the agreement of an arm, mean over ``seeds``."""
    return float(np.mean([np.nanmean(each.agreement[arm]) for each in seeds]))


def task_figures(outcomes: Sequence[Mapping[str, Any]], draws: int) -> dict[str, Any]:
    """Return the figures of one task: agreement and AUC of each arm, and differences to ``before``."""
    seeds = [read_cases(outcome) for outcome in outcomes]
    truth = [read_cases(outcome, "evidence") for outcome in outcomes]
    figures: dict[str, Any] = {"seeds": len(seeds), "old_engine": by_old_engine(outcomes)}
    for name in ARMS:
        agreement, found, area = mean_agreement(seeds, name), mean_agreement(truth, name), mean_auc(seeds, name)
        figures[name] = {"agreement": round(agreement, 4), "evidence": round(found, 4), "auc": round(area, 4)}
        if name != ARMS[0]:
            for key, compare in (("rise", rise), ("auc_difference", auc_difference)):
                figures[name][key] = [round(value, 4) for value in compare(seeds, ARMS[0], name, draws)]
    return figures


def outcome_of(job: Mapping[str, Any], run: RunJob, data: str | None, results: Path | None) -> Mapping[str, Any]:
    """Return the outcome of ``job`` from the file ``results``, or ``run`` it and append its outcome there."""
    line = finished_jobs(results).get(job_name(job))
    if line is None:
        line = {"job": job, "outcome": run(job, data)}
        if results is not None:
            append_result(results, line)
    outcome: Mapping[str, Any] = line["outcome"]
    return outcome


def run_readers(
    data: str | None,
    tasks: Sequence[str] = REQUIRED,
    seeds: int = 4,
    results: Path | None = None,
    recipe: ReadersRecipe | None = None,
    *,
    first_seed: int = FIRST_SEED,
    draws: int = DRAWS,
) -> tuple[str, bool]:
    """Run the experiment; return the table with one JSON object as its last line, and whether it succeeded.

    Success, in ``"needle"`` and ``"planted"``: the 95 % interval of the rise of the agreement with the readers lies
    above 0, and the interval of the AUC difference above -0.02. ``"needle_longer"`` asks whether a right choice stays
    right. ``"covid_blues"`` is an illustration.

    Args:
        data: folder of the real backgrounds, see :func:`~benchmarks.sets.backgrounds`, and of COVID-BLUES.
        tasks: of the four.
        seeds: base models per task.
        results: a results file; jobs that it has are not run again.
        recipe: of the experiment, by default that of each task.
        first_seed: the seeds count from here.
        draws: resamples for the intervals.
    """
    figures = {}
    for task in tasks:
        known = {"sources": real_backgrounds(data).sources} if task == "planted" else {}
        settings = asdict(RECIPES[task] if recipe is None else recipe)
        numbers = range(first_seed, first_seed + seeds)
        jobs = [{"task": task, "seed": seed, **known, **settings} for seed in numbers]
        figures[task] = task_figures([outcome_of(job, readers_job, data, results) for job in jobs], draws)
    after = [each[ARMS[1]] for task, each in figures.items() if task in REQUIRED]
    success = all(row["rise"][1] > 0.0 and row["auc_difference"][1] > -0.02 for row in after)
    # where nothing had to succeed, nothing did
    said = {"success": success if after else None, "tasks": figures}
    return f"{markdown_of(figures)}\n{json.dumps(said)}", success


def markdown_of(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table for people."""
    lines = [
        "| set | model | agreement with readers | evidence chosen | AUC | rise of agreement | AUC difference | seeds |",
        "|" + "---|" * 8,
    ]
    for task, each in figures.items():
        for name in ARMS:
            row, shown = each[name], marked(name, each["old_engine"])
            change = " | ".join(spread(row[key]) if key in row else "" for key in ("rise", "auc_difference"))
            lines.append(
                f"| {task} | {shown} | {row['agreement']:.3f} | {row['evidence']:.3f} | {row['auc']:.3f} "
                f"| {change} | {each['seeds']} |"
            )
    return "\n".join(with_note(lines, any(each["old_engine"] for each in figures.values())))


def spread(values: Sequence[float]) -> str:
    """Return a difference and its interval for people."""
    return "{:+.3f} ({:+.3f} to {:+.3f})".format(*values)
