"""Networks for evidence that is known slice by slice: train one, measure what it says and what it chose."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.needle import FEATURES, DASNeedleCNN, NeedleRecipe, train
from benchmarks.sets import DASEvidenceSet, NeedleSet
from monai_das.networks import DASAggregation, DASAttentionAggregation, DASGatedAggregation, DASSliceClassifier
from monai_das.samplers import DASSampler, Sampler


class Measured(NamedTuple):
    """Per case of a test: probability of class 1 ``(N,)``, chosen slices ``(N, k)`` (-1: none)."""

    probabilities: Tensor
    chosen: Tensor


def arm(sampler: Sampler, size: int) -> DASSliceClassifier:
    """Return an untrained network for slices of ``size`` pixels.

    Slices are weighted by the scores of a ``DASSampler``, and by attention over the kept ones for all others.
    """
    gated = isinstance(sampler, DASSampler)
    aggregation: DASAggregation = DASGatedAggregation() if gated else DASAttentionAggregation(FEATURES)
    return DASSliceClassifier(sampler, DASNeedleCNN(), 2, aggregation, FEATURES, size, dropout_prob=0.0)


def train_arm(network: DASSliceClassifier, cases: DASEvidenceSet, recipe: NeedleRecipe) -> None:
    """Train as the needle's arms are trained; the truth about slices is not shown."""
    nowhere = torch.full_like(cases.labels, -1)
    train(network, NeedleSet(cases.images, cases.labels, nowhere), recipe)


@torch.no_grad()
def measure(network: DASSliceClassifier, images: Tensor) -> Measured:
    """Return what the network says in ``eval()`` about ``images`` ``(N, 1, H, W, D)``."""
    network.eval()
    probabilities, chosen = [], []
    for part in torch.split(images, 50):
        selection = network.score(network.thumbnails(part))
        chosen.append(torch.where(selection.kept, selection.indices, -1))
        probabilities.append(torch.softmax(network(part), dim=1)[:, 1])
    return Measured(torch.cat(probabilities), torch.cat(chosen))


def finished_jobs(
    jobs: Sequence[Mapping[str, Any]], run: Callable[[Mapping[str, Any]], dict[str, Any]], file: Path | None
) -> Iterator[dict[str, Any]]:
    """Yield ``{**job, **outcome}`` of every job; outcomes are lines of ``file``, and those there are not run again.

    A line is written at once when its job ends, so that a killed run goes on where it was. ``None`` keeps nothing.
    """
    done = {} if file is None or not file.is_file() else dict(_lines(file))
    for job in jobs:
        key = json.dumps(job, sort_keys=True)
        outcome = done.get(key)
        if outcome is None:
            outcome = run(job)
            if file is not None:
                _append(file, {"job": job, "outcome": outcome})
        yield {**job, **outcome}


def _lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            content = json.loads(line)
        except json.JSONDecodeError:
            # cut off when the run was killed; that job is run again
            continue
        yield json.dumps(content["job"], sort_keys=True), content["outcome"]


def _append(file: Path, content: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = not file.is_file() or file.read_bytes()[-1:] in (b"", b"\n")
    with file.open("a", encoding="utf-8") as stream:
        stream.write(("" if whole else "\n") + json.dumps(content) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
