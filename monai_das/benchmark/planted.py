"""``monai-das benchmark planted``: who finds faint lesions in known slices of real MR, CT and echo?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from monai_das.benchmark.evidence import arm, finished_jobs, measure, train_arm
from monai_das.benchmark.interval import auc
from monai_das.benchmark.needle import NeedleRecipe
from monai_das.benchmark.needle_hard_data import DASEvidenceSet, hard_needle_set
from monai_das.benchmark.planted_data import KINDS, planted_set, real_backgrounds

METHODS = ("DASSampler", "DASTopVarianceSampler", "DASUniformSampler", "DPSSampler")
FULL = "DASFullSampler"
PLANTED_RECIPE = {"cases": 900, "test_cases": 600, "epochs": 10}
HARD_RECIPE = {"cases": 1500, "test_cases": 600, "epochs": 10}


def planted_job(job: Mapping[str, Any], root: str | None = None) -> dict[str, Any]:
    """Train one arm on one set and return ``auc``, ``recall``, recall of each kind of background, and ``seconds``.

    Args:
        job: ``task`` (``"planted"`` or ``"hard"``), ``method``, ``num_slices``, ``seed``, ``cases``, ``test_cases`` and
            ``epochs``.
        root: folder of the real backgrounds.
    """
    torch.set_num_threads(1)
    torch.manual_seed(int(job["seed"]))
    began = time.process_time()
    train_cases, test = job_sets(job, root)
    depth, epochs = test.images.size(4), int(job["epochs"])
    budget = depth if job["method"] == FULL else int(job["num_slices"])
    network = arm(str(job["method"]), budget, depth, test.images.size(2))
    train_arm(network, train_cases, NeedleRecipe(epochs=epochs, hold=0.5 * epochs, end=0.8 * epochs))
    measured = measure(network, test.images)
    found = recall(measured.chosen, test.evidence)
    both = torch.stack((1.0 - measured.probabilities, measured.probabilities), dim=1)
    each = {kind: round(float(found[place :: len(KINDS)].mean()), 4) for place, kind in enumerate(KINDS)}
    return {
        "auc": round(auc(both, test.labels), 4),
        "recall": round(float(found.mean()), 4),
        "by_kind": each if job["task"] == "planted" else {},
        "seconds": round(time.process_time() - began, 1),
    }


def job_sets(job: Mapping[str, Any], root: str | None) -> tuple[DASEvidenceSet, DASEvidenceSet]:
    """Return the cases for training and for the test of a job."""
    seeds = (2 * int(job["seed"]), 2 * int(job["seed"]) + 1)
    sizes = (int(job["cases"]), int(job["test_cases"]))
    if job["task"] == "hard":
        return hard_needle_set(sizes[0], 1000 + seeds[0]), hard_needle_set(sizes[1], 1000 + seeds[1])
    stacks = real_backgrounds(root)
    return planted_set(sizes[0], seeds[0], stacks.train), planted_set(sizes[1], seeds[1], stacks.test)


def recall(chosen: Tensor, evidence: Tensor) -> Tensor:
    """Return ``(N,)`` the share of the slices with ``evidence`` ``(N, D)`` that are among ``chosen`` ``(N, k)``."""
    hits = evidence.gather(1, chosen.clamp(min=0)) & (chosen >= 0)
    return hits.sum(dim=1) / evidence.sum(dim=1)


def jobs_of(task: str, methods: Iterable[str], num_slices: int, seeds: int) -> list[dict[str, Any]]:
    """Return the trainings of a table, seed by seed, so that a run cut off has whole seeds."""
    recipe = PLANTED_RECIPE if task == "planted" else HARD_RECIPE
    return [
        {"task": task, "method": method, "num_slices": num_slices, "seed": seed, **recipe}
        for seed in range(seeds)
        for method in methods
    ]


def run_planted(
    data: str | None,
    methods: Sequence[str] = (FULL, *METHODS),
    num_slices: int = 4,
    seeds: int = 3,
    results: Path | None = None,
) -> str:
    """Train and measure every method and return the table; the last line is a JSON object with its figures.

    Args:
        data: folder with ``hippocampus/``, see :func:`~monai_das.benchmark.planted_data.backgrounds`.
        methods: names of samplers in ``monai_das.samplers``.
        num_slices: the budget k, of 24 slices, three of which bear the lesion.
        seeds: trainings per method.
        results: file of finished jobs, see :func:`~monai_das.benchmark.evidence.finished_jobs`.

    Raises:
        ValueError: there is no such sampler.
    """
    for method in methods:
        arm(method, num_slices, 24, 28)
    sources = real_backgrounds(data).sources
    jobs = [{**job, "sources": sources} for job in jobs_of("planted", methods, num_slices, seeds)]
    rows = list(finished_jobs(jobs, partial(planted_job, root=data), results))
    lines = [f"{kind}: {source}" for kind, source in sources.items()]
    lines += [
        "",
        f"| method | k of 24 | recall at k | {' | '.join(KINDS)} | test AUC | seeds |",
        "|" + "---|" * 8,
    ]
    figures: dict[str, Any] = {}
    for method in methods:
        of = [row for row in rows if row["method"] == method]
        budget = 24 if method == FULL else num_slices
        shares = {kind: round(mean(row["by_kind"][kind] for row in of), 4) for kind in KINDS}
        figures[method] = {
            "recall": round(mean(row["recall"] for row in of), 4),
            "auc": round(mean(row["auc"] for row in of), 4),
            "by_kind": shares,
            "seeds": [row["recall"] for row in of],
        }
        each = " | ".join(f"{share:.2f}" for share in shares.values())
        row = f"{figures[method]['recall']:.3f} | {each} | {figures[method]['auc']:.3f} | {len(of)}"
        lines.append(f"| {method} | {budget} | {row} |")
    return "\n".join([*lines, json.dumps({"sources": sources, "methods": figures})])


def run_hard_reference(seeds: int = 2, results: Path | None = None) -> str:
    """Return the test AUC of full attention on the hard needle; the last line is a JSON object."""
    rows = list(finished_jobs(jobs_of("hard", [FULL], 32, seeds), planted_job, results))
    aucs = [row["auc"] for row in rows]
    return f"hard needle, full attention: AUC {aucs}\n{json.dumps({'auc': aucs, 'auc_min': min(aucs)})}"
