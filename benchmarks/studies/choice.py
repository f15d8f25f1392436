"""``python -m benchmarks choice``: do the chosen slices matter, and does the choice stay when the volume is shifted?"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.engine.cases import batches
from benchmarks.engine.grid import SweepJob, grid_jobs
from benchmarks.engine.job import job_parser, network_of, split_of
from benchmarks.statistics import RunTables, auc_samples, mean_auc
from monai_das.metrics import interval_of
from monai_das.metrics.measures import Array
from monai_das.networks import DASNetwork
from monai_das.samplers import take_slices
from monai_das.samplers.selection import slice_mask

JUDGE = "full"
WAYS = ("whole", "without_chosen", "without_random")
DRAWS = 2000


class Choice(NamedTuple):
    """Measurements of one trained sampler.

    Attributes:
        judged: the judge's probabilities with all slices (``whole``), without the chosen ones (``without_chosen``), and
            without as many random ones (``without_random``).
        stability: share of the chosen slices that are chosen again when the volume is moved by one slice.
    """

    judged: RunTables
    stability: float


def run_choice(grid: Path, weights: Path, root: str | None, draws: int = DRAWS) -> str:
    """Return the table of every trained sampler of ``grid``; the last line is one JSON object.

    The judge is the network of the same data, seed and fold that sees all slices (method ``full``): it was trained
    without any sampler. Its AUC is measured without the chosen slices and without as many random ones; intervals are
    those of the paired difference, over test cases and seeds; with folds, of its mean.

    Args:
        grid: the grid of a sweep that ran with ``--weights``.
        weights: that folder.
        root: folder of the data.
        draws: bootstrap samples.

    Raises:
        ValueError: no job of the grid has both its own and its judge's weights, or see :func:`run_sweep`.
    """
    jobs = [job for job in grid_jobs(grid) if weights_of(weights, job).is_file()]
    judges = {(job.data, job.seed, job.fold): job for job in jobs if job.method == JUDGE}
    judged = [job for job in jobs if job.method != JUDGE and (job.data, job.seed, job.fold) in judges]
    if not judged:
        raise ValueError(
            f"{weights}: has no weights of a sampler of {grid} and of its judge, the method {JUDGE!r}; "
            "run the sweep with --weights first"
        )
    found: dict[tuple[str, float | None, str], list[Choice]] = defaultdict(list)
    for job in judged:
        judge = judges[job.data, job.seed, job.fold]
        found[job.data, job.budget, job.method].append(choice_of(job, judge, weights, root))
    return report_of(found, draws)


def weights_of(folder: Path, job: SweepJob) -> Path:
    """Return where the weights of ``job`` are kept."""
    return folder / f"{job.key}.pt"


def trained(job: SweepJob, folder: Path, root: str | None) -> DASNetwork:
    """Return the network of ``job`` with its weights, in ``eval()``."""
    network = network_of(job, root)
    network.load_state_dict(torch.load(weights_of(folder, job), weights_only=True))
    return network


@torch.no_grad()
def choice_of(job: SweepJob, judge: SweepJob, weights: Path, root: str | None) -> Choice:
    """Measure one trained sampler on the test cases of its job."""
    torch.set_num_threads(1)
    torch.manual_seed(job.seed)
    cases = split_of(job_parser(job, root), "test")
    sampler, full = trained(job, weights, root), trained(judge, weights, root)
    tables: dict[str, list[Tensor]] = {name: [] for name in WAYS}
    stable: list[Tensor] = []
    for part in batches(cases):
        chosen = chosen_slices(sampler, part.images, part.lengths)
        everything = full.score(full.thumbnails(part.images), part.lengths)
        for name, hidden in zip(WAYS, (torch.zeros_like(chosen), chosen, as_many(chosen, part.lengths)), strict=True):
            seen = everything._replace(kept=everything.kept & ~hidden)
            tables[name].append(torch.softmax(full.classify(take_slices(part.images, seen), seen).double(), dim=1))
        stable.append(stability(sampler, part.images, chosen, part.lengths))
    judged = {name: torch.cat(table).numpy() for name, table in tables.items()}
    runs = RunTables(judged, cases.labels.numpy(), job.seed, job.fold or 0, cases.patients())
    return Choice(runs, float(torch.cat(stable).mean()))


def chosen_slices(network: DASNetwork, images: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Return ``(B, D)`` bool, true for the slices of ``images`` ``(B, C, H, W, D)`` that ``network`` keeps."""
    return network.score(network.thumbnails(images), lengths).weights.sum(dim=1) > 0.0


def as_many(chosen: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Return ``(B, D)`` bool with as many real slices of each case as ``chosen``, drawn from torch's generator."""
    keys = torch.rand(chosen.shape)
    if lengths is not None:
        keys = keys.masked_fill(~slice_mask(lengths, keys.size(1)), 2.0)
    return keys.argsort(dim=1).argsort(dim=1) < chosen.sum(dim=1, keepdim=True)


def stability(network: DASNetwork, images: Tensor, chosen: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Return ``(B,)`` which share of ``chosen`` is chosen again with the slices moved up by one, and down by one.

    The end slice is repeated, so that every case keeps its depth; a slice that left the volume does not count.
    """
    up = chosen_slices(network, torch.cat((images[..., :1], images[..., :-1]), dim=4), lengths)[:, 1:]
    down = chosen_slices(network, torch.cat((images[..., 1:], images[..., -1:]), dim=4), lengths)[:, :-1]
    again = (up & chosen[:, :-1]).sum(dim=1) + (down & chosen[:, 1:]).sum(dim=1)
    return again / (chosen[:, :-1].sum(dim=1) + chosen[:, 1:].sum(dim=1)).clamp(min=1)


def report_of(found: dict[tuple[str, float | None, str], list[Choice]], draws: int) -> str:
    """Return the table, and one JSON object as its last line."""
    lines = [
        "| data | slices | method | seeds | AUC of the judge | without the chosen | without random ones "
        "| random less chosen (95 % interval) | chosen again after a shift |",
        "|" + "---|" * 9,
    ]
    figures = []
    for (data, budget, method), choices in sorted(found.items(), key=str):
        runs = [choice.judged for choice in choices]
        seeds = len({run.seed for run in runs})
        aucs = [mean_auc(runs, name) for name in WAYS]
        low, high = interval_of(deletion_samples(runs, draws))
        stable = mean(choice.stability for choice in choices)
        share = "all" if budget is None else f"{budget:.1%}"
        lines.append(
            f"| {data} | {share} | {method} | {seeds} | {aucs[0]:.3f} | {aucs[1]:.3f} | {aucs[2]:.3f} "
            f"| {aucs[2] - aucs[1]:+.3f} ({low:+.3f} to {high:+.3f}) | {stable:.2f} |"
        )
        figures.append(
            {"data": data, "budget": budget, "method": method, "whole": round(aucs[0], 4)}
            | {"without_chosen": round(aucs[1], 4), "without_random": round(aucs[2], 4)}
            | {"interval": [round(low, 4), round(high, 4)], "stability": round(stable, 4)}
        )
    return "\n".join([*lines, json.dumps(figures)])


def deletion_samples(runs: Sequence[RunTables], draws: int) -> Array:
    """Return bootstrap samples of the AUC without random slices less that without the chosen ones, paired."""
    samples: Array = auc_samples(runs, "without_random", draws) - auc_samples(runs, "without_chosen", draws)
    return samples
