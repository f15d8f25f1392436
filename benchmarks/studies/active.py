"""Which cases should readers see first? Rounds of review by simulated readers, on sets with known truth per slice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.engine.folds import fold_parts
from benchmarks.engine.job import ENGINE
from benchmarks.engine.study_cell import evidence_settings, study_cell, trained
from benchmarks.sets import DASEvidenceSet, planted_set, real_backgrounds
from benchmarks.sets.lgg import lgg_set_cases
from benchmarks.studies.readers import (
    DRAWS,
    FIRST_SEED,
    auc_difference,
    mean_agreement,
    mean_auc,
    outcome_of,
    read_cases,
    rise,
    spread,
)
from benchmarks.studies.simulated_readers import (
    ReadersRecipe,
    as_lists,
    fine_tuned,
    marked_slices,
    measure,
    simulated_verdicts,
)
from monai_das.review import reading_order

ORDERS = ("random", "uncertain")
REVIEWED = (10, 20, 40)
ARMS = ("before", *(f"{order} {count}" for count in REVIEWED for order in ORDERS))
FOLDS = 4
SIZE = 128


@dataclass(frozen=True)
class ActiveRecipe:
    """One experiment: a base model of few cases, and a pool that it has not seen, from which readers get some.

    Attributes:
        data: name of the config in ``configs/data`` whose cells are trained.
        cases: the base model learns from so many, by their classes.
        pool: readers are asked about these, at most so many.
        test: held out.
        readers: the error rates of the readers, and how base model and fine-tuning learn.
    """

    data: str
    cases: int
    pool: int
    test: int
    readers: ReadersRecipe


RECIPES = {
    "planted": ActiveRecipe("needle", 200, 400, 200, ReadersRecipe(epochs=12)),
    "lgg": ActiveRecipe("lgg_sets", 72, 300, 120, ReadersRecipe(num_slices=3, epochs=20, miss=0.0, false_alarm=0.0)),
}


class Parts(NamedTuple):
    """The cases of the base model, those that readers may see, and the held-out ones."""

    base: DASEvidenceSet
    pool: DASEvidenceSet
    test: DASEvidenceSet


def active_job(job: Mapping[str, Any], root: str | None = None) -> dict[str, Any]:
    """Run the experiment of ``job``: its ``task``, ``seed`` and ``recipe``, the fields of :class:`ActiveRecipe`.

    In each order, readers see the first cases of the pool until 10, 20 and 40 are reviewed. After each round the base
    model is trained further on its own cases and on all that were reviewed, and its probabilities set the next order.

    Returns:
        Per held-out case ``label``, ``verdicts`` and ``evidence``; and for each of ``ARMS`` what
        :func:`~benchmarks.studies.simulated_readers.as_lists` tells. ``engine`` says what trained them.
    """
    recipe = ActiveRecipe(**{**job["recipe"], "readers": ReadersRecipe(**job["recipe"]["readers"])})
    torch.set_num_threads(1)
    seed = int(job["seed"])
    parts = parts_of(str(job["task"]), recipe, seed, root)
    cell = (recipe.data, "das")
    settings = {"seed": seed, "num_slices": recipe.readers.num_slices, "epochs": recipe.readers.epochs}
    base = trained(study_cell(*cell, settings | evidence_settings(parts.base)))
    generator = torch.Generator().manual_seed(seed)
    outcomes = {"before": measure(base, parts.test.images)}
    nothing = torch.full_like(outcomes["before"].chosen, -1)
    wanted = simulated_verdicts(parts.test.evidence, nothing, recipe.readers, generator)
    for order in ORDERS:
        network, seen = base, torch.zeros(0, dtype=torch.int64)
        verdicts = torch.zeros_like(parts.pool.evidence, dtype=torch.int64)
        for count in REVIEWED:
            ones = measure(network, parts.pool.images).probabilities
            places = torch.tensor(reading_order(torch.stack((1.0 - ones, ones), dim=1).numpy(), order, seed))
            new = places[~torch.isin(places, seen)][: count - len(seen)]
            chosen = measure(network, parts.pool.images[new]).chosen
            verdicts[new] = simulated_verdicts(parts.pool.evidence[new], chosen, recipe.readers, generator)
            seen = torch.cat((seen, new))
            cases = joined(parts.base, DASEvidenceSet(*(part[seen] for part in parts.pool)))
            said = torch.cat((torch.zeros_like(parts.base.evidence, dtype=torch.int64), verdicts[seen]))
            network = fine_tuned(base, settings | evidence_settings(cases), recipe.readers, said, cell)
            outcomes[f"{order} {count}"] = measure(network, parts.test.images)
    return {
        "engine": ENGINE,
        "label": parts.test.labels.tolist(),
        "evidence": marked_slices(parts.test.evidence),
        "verdicts": marked_slices(wanted > 0),
        **{name: as_lists(outcomes[name]) for name in ARMS},
    }


def parts_of(task: str, recipe: ActiveRecipe, seed: int, root: str | None) -> Parts:
    """Return the cases of ``task``: planted evidence of three seeds, or sets of slices of three groups of patients."""
    if task == "planted":
        stacks = real_backgrounds(root)
        return Parts(
            planted_set(recipe.cases, 3 * seed, stacks.train),
            planted_set(recipe.pool, 3 * seed + 1, stacks.train),
            planted_set(recipe.test, 3 * seed + 2, stacks.test),
        )
    rest, test = fold_parts(lgg_set_cases(root or ".", SIZE), seed % FOLDS, FOLDS)
    patients = sorted({str(case["patient"]) for case in rest})
    order = torch.randperm(len(patients), generator=torch.Generator().manual_seed(seed)).tolist()
    ranked = {patients[place]: rank for rank, place in enumerate(order)}
    rest = sorted(rest, key=lambda case: ranked[str(case["patient"])])
    pool = rest[recipe.cases : recipe.cases + recipe.pool]
    return Parts(*(as_evidence(cases) for cases in (rest[: recipe.cases], pool, test[: recipe.test])))


def as_evidence(cases: Sequence[Mapping[str, Any]]) -> DASEvidenceSet:
    """Return items with ``image``, ``label`` and ``telling`` as tensors."""
    images, telling = (torch.stack([case[name] for case in cases]) for name in ("image", "telling"))
    return DASEvidenceSet(images, torch.tensor([int(case["label"]) for case in cases]), telling)


def joined(first: DASEvidenceSet, second: DASEvidenceSet) -> DASEvidenceSet:
    """Return the cases of both."""
    return DASEvidenceSet(*(torch.cat(parts) for parts in zip(first, second, strict=True)))


def run_active(
    data: str | None, tasks: Sequence[str], seeds: int, results: Path | None = None, draws: int = DRAWS
) -> str:
    """Run the experiment; return the table, whose last line is one JSON object.

    Args:
        data: folder of the real backgrounds and of ``lgg_flair``.
        tasks: of ``"planted"`` and ``"lgg"``.
        seeds: base models of each task.
        results: a results file; jobs that it has are not run again.
        draws: resamples for the intervals.
    """
    figures = {}
    for task in tasks:
        numbers, recipe = range(FIRST_SEED, FIRST_SEED + seeds), asdict(RECIPES[task])
        jobs = [{"task": task, "seed": seed, "recipe": recipe} for seed in numbers]
        outcomes = [outcome_of(job, active_job, data, results) for job in jobs]
        figures[task] = task_figures(outcomes, draws)
    return f"{markdown_of(figures)}\n{json.dumps(figures)}"


def task_figures(outcomes: Sequence[Mapping[str, Any]], draws: int) -> dict[str, Any]:
    """Return agreement and AUC of each arm, and per number of reviewed cases what the order of the cases changes."""
    seeds = [read_cases(outcome, arms=ARMS) for outcome in outcomes]
    found: dict[str, Any] = {"seeds": len(seeds)}
    for name in ARMS:
        found[name] = {"agreement": round(mean_agreement(seeds, name), 4), "auc": round(mean_auc(seeds, name), 4)}
    for count in REVIEWED:
        first, second = (f"{order} {count}" for order in ORDERS)
        changes = {
            "agreement": rise(seeds, first, second, draws),
            "auc": auc_difference(seeds, first, second, draws),
        }
        found[str(count)] = {key: [round(value, 4) for value in change] for key, change in changes.items()}
    return found


def markdown_of(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table for people."""
    lines = [
        "| set | reviewed | agreement: random | uncertain | difference | AUC: random | uncertain | difference |",
        "|" + "---|" * 8,
    ]
    for task, each in figures.items():
        first = each["before"]
        lines.append(f"| {task} | 0 | {first['agreement']:.3f} | | | {first['auc']:.3f} | | |")
        for count in REVIEWED:
            cells = []
            for key in ("agreement", "auc"):
                cells += [f"{each[f'{order} {count}'][key]:.3f}" for order in ORDERS]
                cells.append(spread(each[str(count)][key]))
            lines.append(f"| {task} | {count} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
