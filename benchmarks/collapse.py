"""``python -m benchmarks collapse``: does a sampler flee to empty slices while its backbone knows nothing yet?"""

from __future__ import annotations

import json
from itertools import product
from os import PathLike
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.needle import gated_sampler
from monai_das.datasets import make_sample_volumes, medmnist3d_datalist
from monai_das.handlers import DASBudgetSchedule
from monai_das.losses import DASLoss
from monai_das.metrics import empty_share
from monai_das.networks import DASGatedAggregation, DASMobileNetV3Small, DASSliceClassifier
from monai_das.samplers import DASTopVarianceSampler, Sampler

SIZE = 28
NUM_SLICES = 7
BATCH = 16
LEARNING_RATE = 1e-3
HOLD, END = 1.0, 3.0
MADE_UP = 400
MARGIN = 0.05


class MaskSet(NamedTuple):
    """Volumes ``(N, 1, 28, 28, 28)`` float32 in [0, 1] as the network sees them, the clean masks, labels ``(N,)``."""

    images: Tensor
    masks: Tensor
    labels: Tensor


def collapse(
    root: str | PathLike[str] | None,
    epochs: int = 8,
    noise: float = 0.0,
    *,
    curriculum: bool = False,
    limit: int | None = None,
    sampler: Sampler | None = None,
    seed: int = 0,
) -> list[tuple[float, float]]:
    """Train where a sampler once collapsed, and return after each epoch which share of the chosen slices is empty.

    The setting: MobileNetV3-Small from scratch on AdrenalMNIST3D at 28 cubed, 7 of the 28 slices along the first axis,
    slices weighted by their scores alone, sampler and backbone at one learning rate (1e-3, Adam, batches of 16).

    Args:
        root: folder of the data, see :func:`monai_das.datasets.medmnist3d_datalist`; None takes made-up masks.
        epochs: how long to train, at least 1.
        noise: standard deviation of Gaussian noise added to every voxel (masks are 0 and 1), so that no slice is
            constant.
        curriculum: whether the budget starts at all slices for one epoch and is 7 from the third on; else it is 7
            from the start.
        limit: only the first so many volumes for training, and for testing; made-up ones are 400 by default.
        sampler: the one to train, by default ``gated_sampler(7)``.
        seed: of weights, noise and order.

    Returns:
        Per epoch the share of mask-empty slices among those chosen in ``eval()`` from the test volumes: that of the
        sampler, and that of :class:`DASTopVarianceSampler`. A slice is empty where the mask without noise is.

    Raises:
        ValueError: ``epochs`` is below 1, or ``limit`` is out of range.
        OSError: the data is nowhere, and cannot be downloaded.
    """
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}")
    torch.manual_seed(seed)
    cases, test = mask_set(root, "train", noise, limit), mask_set(root, "test", noise, limit)
    chooser = gated_sampler(NUM_SLICES) if sampler is None else sampler
    backbone = DASMobileNetV3Small(in_channels=1)
    network = DASSliceClassifier(chooser, backbone, 2, DASGatedAggregation(), thumbnail_size=SIZE)
    schedule = DASBudgetSchedule(network, HOLD, END) if curriculum else DASBudgetSchedule(network, 0.0, 0.0)
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    bar = share_of_empty(DASTopVarianceSampler(num_slices=chooser.num_slices), test)
    shares = []
    for epoch in range(epochs):
        train_epoch(network, cases, optimizer, schedule, epoch)
        shares.append((share_of_empty(chooser, test), bar))
    return shares


def mask_set(root: str | PathLike[str] | None, split: str, noise: float, limit: int | None) -> MaskSet:
    """Return the volumes of one split; made-up ones where ``root`` is None."""
    if root is None:
        cases = make_sample_volumes(MADE_UP if limit is None else limit, SIZE, seed=int(split == "test"))
    else:
        cases = medmnist3d_datalist(root, split=split, size=SIZE, slice_dim=0, limit=limit)
    masks = torch.from_numpy(np.stack([case["image"] for case in cases])).float() / 255.0
    labels = torch.tensor([case["label"] for case in cases])
    return MaskSet(masks + noise * torch.randn(masks.shape), masks, labels)


def train_epoch(
    network: DASSliceClassifier,
    cases: MaskSet,
    optimizer: torch.optim.Optimizer,
    schedule: DASBudgetSchedule,
    epoch: int,
) -> None:
    """Show every case once, in random order; the budget follows ``schedule``. A shorter last batch is left out."""
    network.train()
    loss = DASLoss(network)
    batches = torch.split(torch.randperm(len(cases.labels)), BATCH)
    for step, batch in enumerate(batches):
        if len(batch) < min(BATCH, len(cases.labels)):
            continue
        network.sampler.widening = schedule.value(epoch + step / len(batches))
        optimizer.zero_grad()
        torch.autograd.backward(loss(network(cases.images[batch]), cases.labels[batch]))
        optimizer.step()


@torch.no_grad()
def share_of_empty(sampler: Sampler, cases: MaskSet) -> float:
    """Return which share of the slices that ``sampler`` chooses in ``eval()`` is empty in the clean mask."""
    sampler.eval()
    shares = []
    for images, masks in zip(torch.split(cases.images, 64), torch.split(cases.masks, 64), strict=True):
        selection = sampler(images)
        shares.append(empty_share(masks, torch.where(selection.kept, selection.indices, -1)))
    return float(torch.cat(shares).mean())


def run_collapse(root: str | PathLike[str] | None, epochs: int = 8, limit: int | None = None) -> tuple[str, bool]:
    """Train ``DASSampler`` with and without noise and curriculum; return the report, and whether all four held.

    Held: in no epoch the share of empty slices exceeds that of top-variance by more than 0.05. The last line of the
    report is a JSON object, ``{"excess": {variant: largest excess}}``. See :func:`collapse` for the arguments.
    """
    lines = ["| noise | budget | empty share after each epoch | top variance |", "|---|---|---|---|"]
    excess = {}
    for noise, curriculum in product((0.0, 0.01), (False, True)):
        shares = collapse(root, epochs, noise, curriculum=curriculum, limit=limit)
        budget = f"{SIZE} to {NUM_SLICES}" if curriculum else str(NUM_SLICES)
        each = ", ".join(f"{share:.3f}" for share, _ in shares)
        lines.append(f"| {noise} | {budget} | {each} | {shares[0][1]:.3f} |")
        excess[f"noise {noise}, {budget}"] = round(max(share - bar for share, bar in shares), 4)
    return "\n".join([*lines, json.dumps({"excess": excess})]), max(excess.values()) <= MARGIN
