"""One job of a sweep: train a method by the common recipe, measure it once, return its line of the results file."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch import Tensor, nn

from benchmarks.frozen_features import memory_of
from benchmarks.results_file import Result, packed, packed_predictions
from benchmarks.sets import real_backgrounds
from benchmarks.sweep_data import SweepCases, as_input, augmented, batches, held_out, sweep_cases
from benchmarks.sweep_grid import SweepJob, settings_of
from monai_das.handlers import DASBudgetSchedule
from monai_das.metrics import classification_measures as measures
from monai_das.metrics.measures import Array
from monai_das.networks import DASNetwork
from monai_das.reports.atomic import atomic_path
from monai_das.samplers import Selection, sampler_param_groups, take_slices


class RunningAverage:
    """A copy of a network that holds the average of its weights over about the last ``share`` of the steps."""

    def __init__(self, network: nn.Module, share: float) -> None:
        self.network = copy.deepcopy(network)
        self.share = share
        self.steps = 0
        pairs = list(zip(tensors_of(self.network), tensors_of(network), strict=True))
        self.floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self.others = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the network as it is now."""
        weight = 1.0 / (1.0 + self.share * self.steps)
        self.steps += 1
        averages, now = ([pair[i] for pair in self.floats] for i in (0, 1))
        torch._foreach_lerp_(averages, now, weight)
        for average, current in self.others:
            average.copy_(current)


def tensors_of(network: nn.Module) -> list[Tensor]:
    """Return every parameter and buffer of ``network`` once, however many names it has."""
    return [*network.parameters(), *network.buffers()]


def run_sweep_job(job: SweepJob, root: str | None, weights: Path | None = None) -> Result:
    """Train and measure one job in this process, by one thread; data is found under ``root``.

    With ``weights`` the averaged weights are kept in that folder, as ``KEY.pt``.

    Returns:
        The line of the results file: place in the grid, settings, seconds, measures on the validation and test split
        (with ``fold``: on the held-out part, as ``test``), milliseconds per test case, all test predictions, the share
        of each case's telling slices that was chosen (``recalls``) where these are known, and whose the cases are
        (``groups``) where patients have several; of planted evidence what the backgrounds are (``sources``).
    """
    torch.set_num_threads(1)
    torch.manual_seed(job.seed)
    began, cpu_began = time.perf_counter(), time.process_time()
    settings = settings_of(job)
    train, val, test = job_splits(job, settings, root)
    network, loss = built(job, settings["epochs"] * (len(train.labels) // settings["batch_size"]))
    average = train_network(network, loss, train, settings)
    if weights is not None:
        with atomic_path(weights / f"{job.key}.pt") as temporary:
            torch.save(average.state_dict(), temporary)
    line: Result = {"job": job.key, "data": job.data, "method": job.method, "budget": job.budget, "seed": job.seed}
    line |= {"fold": job.fold, "k": settings["num_slices"], "settings": settings}
    if val is not None:
        line["val"] = rounded(evaluate_cases(average, val)[0])
    found, probabilities, recalls = evaluate_cases(average, test)
    line["test"] = rounded(found)
    if recalls is not None:
        line["recalls"] = packed(recalls.astype("<f2"))
    if test.groups is not None:
        line["groups"] = test.patients()
    if settings["dataset_name"] == "planted":
        line["sources"] = real_backgrounds(root).sources
    line["seconds"] = round(time.perf_counter() - began, 1)
    line["cpu_seconds"] = round(time.process_time() - cpu_began, 1)
    return line | packed_predictions(probabilities, test.labels.numpy())


def job_splits(
    job: SweepJob, settings: dict[str, Any], root: str | None
) -> tuple[SweepCases, SweepCases | None, SweepCases]:
    """Return the cases to train on, to validate on (none in cross-validation) and to test on."""
    place = (settings["dataset_name"], "train", settings["size"], settings["slice_dim"])
    chosen = {"target": settings["target"]} if "target" in settings else {}
    train = sweep_cases(root, *place, **chosen)
    if train.images.size(4) != settings["depth"]:
        raise ValueError(f"{job.data}: depth must be that of the volumes, {train.images.size(4)}; correct the config")
    if job.fold is not None:
        left_away, fold = divmod(job.fold, job.folds)
        cases = held_out(train, left_away, job.folds)[0] if job.inside else train
        inside, outside = held_out(cases, fold, job.folds)
        return inside, None, outside
    val, test = (sweep_cases(root, place[0], split, *place[2:]) for split in ("val", "test"))
    return train, val, test


def built(job: SweepJob, total_steps: int) -> tuple[DASNetwork, nn.Module]:
    """Return the network of ``job`` and its loss; its config may ask for ``@total_steps`` of the training."""
    parser = ConfigParser(json.loads(json.dumps(job.config)))
    parser.set(total_steps, "total_steps")
    parser.set("cpu", "device")
    network: DASNetwork = parser.get_parsed_content("network")
    loss: nn.Module = parser.get_parsed_content("loss")
    return network, loss


def train_network(
    network: DASNetwork, loss: nn.Module, cases: SweepCases, settings: dict[str, Any], max_steps: int | None = None
) -> DASNetwork:
    """Train by AdamW on one cycle with flips and shifts; return the network with averaged weights."""
    batch = settings["batch_size"]
    steps = len(cases.labels) // batch
    groups = sampler_param_groups(network, settings["learning_rate"])
    rates = [group["lr"] for group in groups]
    optimizer = torch.optim.AdamW(groups, weight_decay=settings["weight_decay"], fused=True)
    total = steps * settings["epochs"]
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total, pct_start=settings["warmup_share"])
    schedule = DASBudgetSchedule(network, *settings["widening_epochs"])
    average = RunningAverage(network, settings["ema_share"])
    network.train()
    with memory_of(network):
        for step in range(total if max_steps is None else max_steps):
            if step % steps == 0:
                order = torch.randperm(len(cases.labels))
            for sampler in schedule.samplers:
                sampler.widening = schedule.value(step / steps)
            chosen = order[step % steps * batch :][:batch]
            lengths = None if cases.lengths is None else cases.lengths[chosen]
            shift = round(settings["translate_range"])
            images = augmented(as_input(cases.images[chosen]), settings["flip_prob"], shift, lengths)
            optimizer.zero_grad()
            torch.autograd.backward(loss(network(images, lengths), cases.labels[chosen]))
            optimizer.step()
            cycle.step()
            average.update()
    averaged: DASNetwork = average.network.eval()  # type: ignore[assignment]
    return averaged


@torch.no_grad()
def evaluate_cases(network: DASNetwork, cases: SweepCases) -> tuple[dict[str, float], Array, Array | None]:
    """Return the measures of ``network`` in ``eval()`` on ``cases``, its probabilities ``(N, K)``, and its recalls.

    Beside the measures of the predictions: ``ms``, processor time per case, and where the telling slices are known
    ``recall``, the mean of the shares ``(N,)`` of them that were chosen.
    """
    network.eval()
    tables: list[Tensor] = []
    recalls: list[Tensor] = []
    spent = 0.0
    for part, images in batches(cases):
        began = time.process_time()
        selection = network.score(network.thumbnails(images), part.lengths)
        logits = network.classify(take_slices(images, selection), selection)
        spent += time.process_time() - began
        tables.append(torch.softmax(logits.double(), dim=1))
        if part.telling is not None:
            recalls.append(recall(selection, part.telling))
    probabilities = torch.cat(tables).numpy()
    found = measures(probabilities, cases.labels.numpy())
    found["ms"] = 1000.0 * spent / len(cases.labels)
    if not recalls:
        return found, probabilities, None
    each = torch.cat(recalls).double().numpy()
    found["recall"] = float(each.mean())
    return found, probabilities, each


def recall(selection: Selection, telling: Tensor) -> Tensor:
    """Return ``(B,)`` which share of the ``telling`` slices ``(B, D)`` bool is among the kept ones."""
    chosen = selection.weights.sum(dim=1) > 0
    return (chosen & telling).sum(dim=1) / telling.sum(dim=1).clamp(min=1)


def rounded(found: dict[str, float]) -> dict[str, float]:
    """Return the measures to six digits after the point."""
    return {name: round(value, 6) for name, value in found.items()}
