"""COVID-BLUES for the simulated-reader experiment: an independent model that sees all frames plays the reader."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import torch
from torch import Tensor

from benchmarks.engine.study_cell import evidence_settings, study_cell, trained
from benchmarks.sets import DASEvidenceSet
from monai_das.data import open_source
from monai_das.datasets import split_by_patient
from monai_das.datasets.ultrasound import covid_blues_items
from monai_das.networks import DASSliceClassifier
from monai_das.samplers import Selection
from monai_das.samplers.selection import new_selection

SIZE = 64
DEPTH = 32
SHARES = {"reader": 0.4, "training": 0.4, "held_out": 0.2}


def clip_sets(
    root: str, seed: int, clips: tuple[int, int], num_slices: int, epochs: int
) -> tuple[DASEvidenceSet, DASEvidenceSet]:
    """Return clips of COVID-BLUES for training and held-out ones, with what the simulated reader finds in them.

    The reader is a network that sees all frames, trained on clips of other patients; the evidence in a clip are the
    ``num_slices`` frames without which the probability of its class falls most (see :func:`occlusion_importance`).
    This is a network's view, not a sonographer's, and only an illustration. No patient is in two of the three parts.

    Args:
        root: folder of COVID-BLUES, or one with a folder ``covid_blues``.
        seed: of the split, and of the reader's training.
        clips: at most so many for training (and as many for the reader), and held out.
        num_slices: frames that a reader names at most.
        epochs: of the reader's training.
    """
    parts = split_by_patient(covid_blues_items(root), SHARES, seed)
    reader, training, held_out = (
        stacked(tuple((item["image"], item["label"]) for item in parts[name])[:number])
        for name, number in zip(SHARES, (clips[0], *clips), strict=True)
    )
    job = study_cell("needle", "full", {"seed": seed, "epochs": epochs, **evidence_settings(reader)})
    model = cast(DASSliceClassifier, trained(job))
    first, second = (
        DASEvidenceSet(part.images, part.labels, most_important(occlusion_importance(model, part), num_slices))
        for part in (training, held_out)
    )
    return first, second


def stacked(items: tuple[tuple[str, int], ...]) -> DASEvidenceSet:
    """Return the clips ``(path, label)`` as one set, without evidence yet."""
    images = torch.stack([small_clip(path) for path, _ in items])
    labels = torch.tensor([label for _, label in items])
    return DASEvidenceSet(images, labels, torch.zeros(len(items), DEPTH, dtype=torch.bool))


@lru_cache(maxsize=512)
def small_clip(path: str) -> Tensor:
    """Return ``(1, 64, 64, 32)`` float32: evenly spaced frames, mean 0 and standard deviation 1 over the clip.

    A shorter clip repeats frames.
    """
    frames = open_source(path).thumbnails(SIZE).mean(dim=0, keepdim=True)
    places = torch.linspace(0, frames.size(3) - 1, DEPTH).round().long()
    clip = frames[..., places].clone()
    return (clip - clip.mean()) / clip.std().clamp(min=1e-6)


@torch.no_grad()
def occlusion_importance(model: DASSliceClassifier, cases: DASEvidenceSet) -> Tensor:
    """Return ``(N, D)``: by how much the log probability of the true class falls when a frame is hidden.

    A hidden frame takes no part in the aggregation; the others are described once.
    """
    found = []
    for image, label in zip(cases.images, cases.labels, strict=True):
        selection = model.score(model.thumbnails(image[None]))
        table = model.described(image.permute(3, 1, 2, 0).contiguous())
        depth = table.size(0)
        kept = torch.cat((torch.ones(1, depth, dtype=torch.bool), ~torch.eye(depth, dtype=torch.bool)))
        features = model.aggregation(table.expand(depth + 1, -1, -1), hidden(selection, kept))
        said = torch.log_softmax(model.head(features), dim=1)[:, int(label)]
        found.append(said[0] - said[1:])
    return torch.stack(found)


def hidden(selection: Selection, kept: Tensor) -> Selection:
    """Return the selection of one case, all slices of it, once for each row of ``kept`` ``(M, D)``."""
    rows = len(kept)
    return new_selection(
        selection.weights.expand(rows, -1, -1),
        selection.indices.expand(rows, -1),
        kept,
        selection.scores.expand(rows, -1),
    )


def most_important(importance: Tensor, number: int) -> Tensor:
    """Return ``(N, D)`` bool: the ``number`` frames of each case with the highest importance above 0."""
    places = importance.topk(number, dim=1).indices
    return torch.zeros_like(importance, dtype=torch.bool).scatter(1, places, True) & (importance > 0.0)
