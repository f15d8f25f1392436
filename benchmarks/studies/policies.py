"""``python -m benchmarks policies``: is the choice worth making for each input, and does it work with other budgets?"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.engine.cases import SweepCases, batches
from benchmarks.engine.grid import SweepJob, grid_jobs
from benchmarks.engine.job import job_parser, split_of
from benchmarks.statistics import RunTables, auc_samples, mean_auc
from benchmarks.studies.choice import trained, weights_of
from monai_das.metrics import interval_of
from monai_das.metrics.measures import Array
from monai_das.networks import DASNetwork
from monai_das.samplers import Selection, take_slices
from monai_das.samplers.selection import lowest, one_hot_rows

METHOD = "das"
OWN = "of the case itself"
DRAWS = 2000

Policy = Callable[[SweepCases], Selection]


def run_policies(grid: Path, weights: Path, root: str | None, draws: int = DRAWS) -> str:
    """Return the table of every trained ``das`` of ``grid``; the last line is one JSON object.

    The same weights classify the slices that are chosen by the case itself, by another case of the test split, and by
    all training cases together (the k slices that they choose most often). They also classify the slices that the case
    chooses with half the budget, with twice the budget, and with half the budget only where the network is then surer
    than on the median validation case. Intervals are those of the paired difference from the case's own choice, over
    test cases and seeds; with folds, of its mean.

    Args:
        grid: the grid of a sweep that ran with ``--weights``.
        weights: that folder.
        root: folder of the data.
        draws: bootstrap samples.

    Raises:
        ValueError: no job of ``das`` in the grid has its weights there.
    """
    jobs = [job for job in grid_jobs(grid) if job.method == METHOD and weights_of(weights, job).is_file()]
    if not jobs:
        raise ValueError(f"{weights}: has no weights of {METHOD!r} of {grid}; run the sweep with --weights first")
    found: dict[tuple[str, float | None], list[RunTables]] = defaultdict(list)
    for job in jobs:
        found[job.data, job.budget].append(policies_of(job, weights, root))
    lines = ["| data | slices | chosen by | seeds | test AUC | less than its own choice (95 % interval) |"]
    lines.append("|" + "---|" * 6)
    figures = []
    for (data, budget), runs in found.items():
        own, samples = mean_auc(runs, OWN), auc_samples(runs, OWN, draws)
        seeds = len({run.seed for run in runs})
        for name in runs[0].tables:
            auc = mean_auc(runs, name)
            low, high = interval_of(samples - auc_samples(runs, name, draws))
            gap = "" if name == OWN else f"{own - auc:+.3f} ({low:+.3f} to {high:+.3f})"
            lines.append(f"| {data} | {budget:.1%} | {name} | {seeds} | {auc:.3f} | {gap} |")
            figures.append({"data": data, "budget": budget, "policy": name, "auc": round(auc, 4)})
    return "\n".join([*lines, json.dumps(figures)])


@torch.no_grad()
def policies_of(job: SweepJob, weights: Path, root: str | None) -> RunTables:
    """Return the probabilities of the test cases of ``job`` under every policy."""
    torch.set_num_threads(1)
    parser = job_parser(job, root)
    train, test = split_of(parser, "train"), split_of(parser, "test")
    val = None if job.fold is not None else split_of(parser, "val")
    network = trained(job, weights, root)
    budget = network.sampler.num_slices
    usual = most_frequent(network, train)
    tables = {
        OWN: predicted(network, test, own_choice(network)),
        "another case": predicted(network, test, lambda part: of_another(own_choice(network)(part))),
        "the training set": predicted(network, test, lambda part: only(usual, own_choice(network)(part))),
    }
    network.sampler.num_slices = max(1, budget // 2)
    half = tables[f"{OWN}, half the budget"] = predicted(network, test, own_choice(network))
    bar = np.median(predicted(network, train if val is None else val, own_choice(network)).max(axis=1))
    sure = half.max(axis=1, keepdims=True) > bar
    tables[f"{OWN}, half the budget where sure"] = np.where(sure, half, tables[OWN])
    network.sampler.num_slices = 2 * budget
    tables[f"{OWN}, twice the budget"] = predicted(network, test, own_choice(network))
    return RunTables(tables, test.labels.numpy(), job.seed, job.fold or 0, test.patients())


def own_choice(network: DASNetwork) -> Policy:
    """Return the policy of the network itself."""
    return lambda part: network.score(network.thumbnails(part.images), part.lengths)


def of_another(selection: Selection) -> Selection:
    """Return ``selection`` with the slices that the case before in the batch chose; the scores stay those of the case.

    A slice beyond the end of a shorter clip is not kept.
    """
    indices = selection.indices.roll(1, 0)
    real = selection.scores > lowest() / 2
    kept = selection.kept.roll(1, 0) & real.gather(1, indices)
    return selection._replace(indices=indices, kept=kept, weights=selection.weights.roll(1, 0) * kept[:, :, None])


def only(usual: Tensor, selection: Selection) -> Selection:
    """Return ``selection`` with the slices ``usual`` ``(k,)`` for every case; the scores stay those of the case."""
    depth = selection.scores.size(1)
    indices = usual.expand(selection.scores.size(0), -1)
    kept = (selection.scores > lowest() / 2).gather(1, indices)
    return selection._replace(indices=indices, kept=kept, weights=one_hot_rows(indices, kept, depth))


def most_frequent(network: DASNetwork, cases: SweepCases) -> Tensor:
    """Return the k slices, ascending, that the network chooses most often over ``cases``."""
    counts = torch.zeros(cases.images.size(4))
    for part in batches(cases):
        counts += own_choice(network)(part).weights.sum(dim=(0, 1))
    return counts.topk(min(network.sampler.num_slices, len(counts))).indices.sort().values


def predicted(network: DASNetwork, cases: SweepCases, policy: Policy) -> Array:
    """Return the probabilities ``(N, K)`` of ``cases`` with the slices that ``policy`` chooses."""
    parts = []
    for part in batches(cases):
        selection = policy(part)
        slices = take_slices(part.images, selection)
        parts.append(torch.softmax(network.classify(slices, selection).double(), dim=1))
    table: Array = torch.cat(parts).numpy()
    return table
