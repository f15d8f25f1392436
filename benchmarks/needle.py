"""The needle test's arms: train one, measure its AUC and how often it finds the needle."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

import torch
from monai.metrics import compute_roc_auc
from torch import Tensor, nn

from benchmarks.sets.needle import DEPTH, SIZE, NeedleSet, needle_set
from monai_das.losses import DASLoss
from monai_das.networks import (
    DASAggregation,
    DASAttentionAggregation,
    DASGatedAggregation,
    DASMeanAggregation,
    DASSliceClassifier,
)
from monai_das.samplers import (
    DASFullSampler,
    DASPaperSampler,
    DASSampler,
    DASTopVarianceSampler,
    DASUniformSampler,
    DPSSampler,
    Sampler,
    sampler_param_groups,
)

FEATURES = 64
METHODS = ("DASSampler", "DASTopVarianceSampler", "DASUniformSampler", "DPSSampler", "DASPaperSampler")
REFERENCES = ("full, attention", "full, mean")


@dataclass(frozen=True)
class NeedleRecipe:
    """How every arm is trained: the same epochs, rate and data; only ``DASSampler`` uses the budget's schedule.

    ``hold`` and ``end`` are the epochs at which its budget starts to shrink from all slices, and has reached k.
    """

    epochs: int = 10
    hold: float = 5.0
    end: float = 8.0
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    batch_size: int = 16
    train_cases: int = 1500
    test_cases: int = 600


@dataclass(frozen=True)
class NeedleJob:
    """One training: a method, its budget, a seed."""

    method: str
    num_slices: int
    seed: int
    recipe: NeedleRecipe


class DASNeedleCNN(nn.Sequential):
    """Three strided convolutions and the maximum over the slice: ``(N, 1, H, W)`` to ``(N, 64)``."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs in ((1, 16), (16, 32), (32, FEATURES)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        super().__init__(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten())
        self.num_features: int = FEATURES


def gated_sampler(num_slices: int) -> DASSampler:
    """Return a ``DASSampler`` whose scores learn through their weight in the aggregation, ``DASGatedAggregation``."""
    return DASSampler(num_slices=num_slices, gradient="gate", noise=0.3)


def sampler_and_aggregation(method: str, num_slices: int) -> tuple[Sampler, DASAggregation]:
    """Return the parts of an arm. Rivals get attention over the kept slices: the mean of few slices would hurt them."""
    if method == "DASSampler":
        return gated_sampler(num_slices), DASGatedAggregation()
    if method == "full, mean":
        return DASFullSampler(), DASMeanAggregation()
    attention = DASAttentionAggregation(FEATURES)
    if method == "full, attention":
        return DASFullSampler(), attention
    if method == "DPSSampler":
        return DPSSampler(num_slices=num_slices, depth=DEPTH), attention
    plain = {"DASTopVarianceSampler": DASTopVarianceSampler, "DASUniformSampler": DASUniformSampler}
    return plain.get(method, DASPaperSampler)(num_slices=num_slices), attention


def run_job(job: NeedleJob) -> dict[str, float]:
    """Train one arm and return its test AUC, how often the needle was among the chosen slices, and the seconds."""
    torch.set_num_threads(1)
    torch.manual_seed(job.seed)
    began = time.perf_counter()
    sampler, aggregation = sampler_and_aggregation(job.method, job.num_slices)
    network = DASSliceClassifier(sampler, DASNeedleCNN(), 2, aggregation, FEATURES, SIZE, dropout_prob=0.0)
    train(network, data(job.recipe.train_cases, 2 * job.seed), job.recipe)
    auc, found = evaluate(network, data(job.recipe.test_cases, 2 * job.seed + 1))
    return {"auc": auc, "found": found, "seconds": time.perf_counter() - began}


@lru_cache(maxsize=2)
def data(num: int, seed: int) -> NeedleSet:
    """Return the volumes of one seed, made once per process."""
    return needle_set(num, seed)


def train(network: DASSliceClassifier, cases: NeedleSet, recipe: NeedleRecipe) -> None:
    """Train by AdamW on one cycle; the budget of a ``DASSampler`` shrinks as the recipe says."""
    steps = len(cases.labels) // recipe.batch_size
    groups = sampler_param_groups(network, recipe.learning_rate)
    rates = [group["lr"] for group in groups]
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, steps * recipe.epochs, pct_start=0.1)
    loss = DASLoss(network)
    network.train()
    for step in range(steps * recipe.epochs):
        if step % steps == 0:
            order = torch.randperm(len(cases.labels))
        if isinstance(network.sampler, DASSampler):
            network.sampler.widening = widening(step / steps, recipe)
        chosen = order[(step % steps) * recipe.batch_size :][: recipe.batch_size]
        optimizer.zero_grad()
        torch.autograd.backward(loss(network(cases.images[chosen]), cases.labels[chosen]))
        optimizer.step()
        schedule.step()


def widening(epoch: float, recipe: NeedleRecipe) -> float:
    """Return ``Sampler.widening`` at a fractional epoch: 1 until ``hold``, then falling evenly to 0 at ``end``."""
    return min(1.0, max(0.0, (recipe.end - epoch) / (recipe.end - recipe.hold)))


@torch.no_grad()
def evaluate(network: DASSliceClassifier, cases: NeedleSet) -> tuple[float, float]:
    """Return the AUC, and the share of cases whose needle is among the chosen slices."""
    network.eval()
    scores: list[Tensor] = []
    found: list[Tensor] = []
    for images, needles in zip(torch.split(cases.images, 50), torch.split(cases.needles, 50), strict=True):
        selection = network.score(network.thumbnails(images))
        scores.append(torch.softmax(network(images), dim=1)[:, 1])
        found.append(((selection.indices == needles[:, None]) & selection.kept).any(dim=1).float())
    auc = torch.as_tensor(compute_roc_auc(torch.cat(scores), cases.labels))
    return float(auc), float(torch.cat(found).mean())
