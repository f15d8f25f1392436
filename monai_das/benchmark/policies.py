"""``monai-das benchmark policies``: is the choice worth making for this very input, and does it serve other budgets?"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from monai_das.benchmark.choice import cases_of, trained, weights_of
from monai_das.benchmark.statistics import Array, Labels, bootstrap_auc, case_weights, interval_of, measures
from monai_das.benchmark.sweep_data import SweepCases, as_input, batches
from monai_das.benchmark.sweep_grid import SweepJob, grid_jobs, settings_of
from monai_das.benchmark.sweep_job import job_splits
from monai_das.networks import DASNetwork
from monai_das.samplers import Selection, take_slices
from monai_das.samplers.selection import lowest, one_hot_rows

METHOD = "das"
OWN = "of the case itself"
DRAWS = 2000

Policy = Callable[[SweepCases], Selection]


def run_policies(grid: Path, weights: Path, root: str | None, draws: int = DRAWS) -> str:
    """Return the table of every trained ``das`` of ``grid``; the last line is one JSON object.

    The same weights classify slices chosen by the case itself, by another case of the test split, by all training
    cases together (the k slices that they choose most often), and by the case itself with half and twice the budget.
    Intervals are of the paired difference from the case's own choice, over test cases and seeds.

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
    found: dict[tuple[str, float | None], dict[str, list[Array]]] = defaultdict(lambda: defaultdict(list))
    labels: dict[str, Labels] = {}
    patients: dict[str, list[int] | None] = {}
    for job in jobs:
        tables, cases = policies_of(job, weights, root)
        labels[cases_of(job)], patients[cases_of(job)] = cases.labels.numpy(), cases.patients()
        for name, table in tables.items():
            found[cases_of(job), job.budget][name].append(table)
    lines = ["| data | slices | chosen by | seeds | test AUC | less than its own choice (95 % interval) |"]
    lines.append("|" + "---|" * 6)
    figures = []
    for (data, budget), by_policy in found.items():
        case = case_weights(labels[data], draws, groups=patients[data])
        own = bootstrap_auc(by_policy[OWN], labels[data], case)
        best = mean(measures(table, labels[data])["auc"] for table in by_policy[OWN])
        for name, runs in by_policy.items():
            auc = mean(measures(table, labels[data])["auc"] for table in runs)
            low, high = interval_of(own - bootstrap_auc(runs, labels[data], case))
            gap = "" if name == OWN else f"{best - auc:+.3f} ({low:+.3f} to {high:+.3f})"
            lines.append(f"| {data} | {budget:.1%} | {name} | {len(runs)} | {auc:.3f} | {gap} |")
            figures.append({"data": data, "budget": budget, "policy": name, "auc": round(auc, 4)})
    return "\n".join([*lines, json.dumps(figures)])


@torch.no_grad()
def policies_of(job: SweepJob, weights: Path, root: str | None) -> tuple[dict[str, Array], SweepCases]:
    """Return the probabilities ``(N, K)`` of the test cases of ``job`` under every policy, and the cases."""
    torch.set_num_threads(1)
    train, _, test = job_splits(job, settings_of(job), root)
    network = trained(job, weights)
    budget = network.sampler.num_slices
    usual = most_frequent(network, train)
    tables = {
        OWN: predicted(network, test, own_choice(network)),
        "another case": predicted(network, test, lambda part: of_another(own_choice(network)(part))),
        "the training set": predicted(network, test, lambda part: only(usual, own_choice(network)(part))),
    }
    for name, slices in (("half the budget", max(1, budget // 2)), ("twice the budget", 2 * budget)):
        network.sampler.num_slices = slices
        tables[f"{OWN}, {name}"] = predicted(network, test, own_choice(network))
    return tables, test


def own_choice(network: DASNetwork) -> Policy:
    """Return the policy of the network itself."""
    return lambda part: network.score(network.thumbnails(as_input(part.images)), part.lengths)


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
    for part, _ in batches(cases):
        counts += own_choice(network)(part).weights.sum(dim=(0, 1))
    return counts.topk(min(network.sampler.num_slices, len(counts))).indices.sort().values


def predicted(network: DASNetwork, cases: SweepCases, policy: Policy) -> Array:
    """Return the probabilities ``(N, K)`` of ``cases`` with the slices that ``policy`` chooses."""
    parts = []
    for part, images in batches(cases):
        selection = policy(part)
        slices = take_slices(images, selection)
        parts.append(torch.softmax(network.classify(slices, selection).double(), dim=1))
    table: Array = torch.cat(parts).numpy()
    return table
