"""``python -m benchmarks readers``: the simulated-reader experiment of several seeds, with intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.evidence import finished_jobs
from benchmarks.interval import auc
from benchmarks.planted_data import real_backgrounds
from benchmarks.readers import ARMS, RECIPES, REQUIRED, ReadersRecipe, readers_job
from monai_das.metrics import slice_agreement

DRAWS = 1000
# recipes were chosen on seeds below
FIRST_SEED = 200


class ReadCases(NamedTuple):
    """One seed's held-out cases: labels ``(N,)``; per arm probabilities ``(N,)`` and agreement ``(N,)``, NaN: none."""

    labels: Tensor
    probabilities: dict[str, Tensor]
    agreement: dict[str, Tensor]


def read_cases(outcome: Mapping[str, Any], truth: str = "verdicts") -> ReadCases:
    """Return what one job measured; ``truth`` is ``"verdicts"`` (of the reader) or ``"evidence"`` (as planted)."""
    depth = 1 + max(max(each, default=0) for name in ARMS for each in outcome[name]["chosen"])
    depth = max(depth, 1 + max(max(slices, default=0) for slices in outcome[truth]))
    wanted = torch.zeros(len(outcome["label"]), depth)
    for case, slices in enumerate(outcome[truth]):
        wanted[case, slices] = 1.0
    return ReadCases(
        torch.tensor(outcome["label"]),
        {name: torch.tensor(outcome[name]["p"]) for name in ARMS},
        {name: slice_agreement(torch.tensor(outcome[name]["chosen"]), wanted).recall for name in ARMS},
    )


def two_columns(probabilities: Tensor) -> Tensor:
    """Return ``(N, 2)`` of the probabilities ``(N,)`` of class 1."""
    return torch.stack((1.0 - probabilities, probabilities), dim=1)


def differences(seeds: Sequence[ReadCases], first: str, second: str) -> tuple[float, float]:
    """Return how much ``second`` exceeds ``first`` in agreement and in AUC, mean over ``seeds``."""
    rises = [float(torch.nanmean(each.agreement[second] - each.agreement[first])) for each in seeds]
    aucs = [
        auc(two_columns(each.probabilities[second]), each.labels)
        - auc(two_columns(each.probabilities[first]), each.labels)
        for each in seeds
    ]
    return sum(rises) / len(rises), sum(aucs) / len(aucs)


def intervals(
    seeds: Sequence[ReadCases], first: str, second: str, draws: int = DRAWS
) -> tuple[list[float], list[float]]:
    """Return 95 % intervals of :func:`differences`, over ``draws`` resamples of the seeds and of the cases of each."""
    generator = torch.Generator().manual_seed(0)
    drawn = []
    for _ in range(draws):
        places = torch.randint(len(seeds), (len(seeds),), generator=generator).tolist()
        drawn.append(differences([resampled(seeds[place], generator) for place in places], first, second))
    levels = torch.tensor([0.025, 0.975], dtype=torch.float64)
    rise, gain = torch.tensor(drawn, dtype=torch.float64).quantile(levels, dim=0).T.tolist()
    return rise, gain


def resampled(cases: ReadCases, generator: torch.Generator) -> ReadCases:
    """Return as many cases of each class, drawn with replacement, the same for every arm."""
    groups = [torch.nonzero(cases.labels == label).flatten() for label in torch.unique(cases.labels)]
    rows = torch.cat([group[torch.randint(len(group), (len(group),), generator=generator)] for group in groups])
    return ReadCases(
        cases.labels[rows],
        {name: values[rows] for name, values in cases.probabilities.items()},
        {name: values[rows] for name, values in cases.agreement.items()},
    )


def mean_of(seeds: Sequence[ReadCases], arm: str) -> tuple[float, float]:
    """Return agreement and AUC of an arm, mean over ``seeds``."""
    agreement = [float(torch.nanmean(each.agreement[arm])) for each in seeds]
    aucs = [auc(two_columns(each.probabilities[arm]), each.labels) for each in seeds]
    return sum(agreement) / len(agreement), sum(aucs) / len(aucs)


def task_figures(outcomes: Sequence[Mapping[str, Any]], draws: int) -> dict[str, Any]:
    """Return the figures of one task: agreement and AUC of each arm, and differences to ``before``."""
    seeds = [read_cases(outcome) for outcome in outcomes]
    truth = [read_cases(outcome, "evidence") for outcome in outcomes]
    figures: dict[str, Any] = {"seeds": len(seeds)}
    for name in ARMS:
        agreement, area = mean_of(seeds, name)
        found, _ = mean_of(truth, name)
        figures[name] = {"agreement": round(agreement, 4), "evidence": round(found, 4), "auc": round(area, 4)}
        if name != ARMS[0]:
            rise, gain = differences(seeds, ARMS[0], name)
            rise_interval, gain_interval = intervals(seeds, ARMS[0], name, draws)
            figures[name]["rise"] = [round(value, 4) for value in (rise, *rise_interval)]
            figures[name]["auc_difference"] = [round(value, 4) for value in (gain, *gain_interval)]
    return figures


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

    Success, in ``"needle"`` and ``"planted"``: the 95 % interval of the rise of the agreement with the readers is above
    0, and that of the difference of the AUC above -0.02. ``"needle_longer"`` asks whether a choice that is right
    stays right, ``"covid_blues"`` illustrates.

    Args:
        data: folder of the real backgrounds, see :func:`~benchmarks.planted_data.backgrounds`, and of
            COVID-BLUES.
        tasks: of the four.
        seeds: base models per task.
        results: file of finished jobs, see :func:`~benchmarks.evidence.finished_jobs`.
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
        figures[task] = task_figures(list(finished_jobs(jobs, partial(readers_job, root=data), results)), draws)
    lines = [
        "| set | model | agreement with readers | evidence chosen | AUC | rise of agreement | AUC difference | seeds |",
        "|" + "---|" * 8,
    ]
    for task, each in figures.items():
        for name in ARMS:
            row = each[name]
            change = " | ".join(spread(row[key]) if key in row else "" for key in ("rise", "auc_difference"))
            lines.append(
                f"| {task} | {name} | {row['agreement']:.3f} | {row['evidence']:.3f} | {row['auc']:.3f} | {change} "
                f"| {each['seeds']} |"
            )
    after = [each[ARMS[1]] for task, each in figures.items() if task in REQUIRED]
    success = all(row["rise"][1] > 0.0 and row["auc_difference"][1] > -0.02 for row in after)
    # where nothing had to succeed, nothing did
    said = {"success": success if after else None, "tasks": figures}
    return "\n".join([*lines, json.dumps(said)]), success


def spread(values: Sequence[float]) -> str:
    """Return a difference and its interval for people."""
    return "{:+.3f} ({:+.3f} to {:+.3f})".format(*values)
