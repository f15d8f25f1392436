"""The cases of a sweep: whole splits in memory, and their augmentation batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, Optional

import numpy as np
import torch
from torch import Tensor

from benchmarks.sets import (
    clip_tensors,
    hard_needle_set,
    hippocampus_tensors,
    needle_set,
    planted_set,
    real_backgrounds,
)
from monai_das.datasets import medmnist3d_datalist, split_by_patient

BATCH = 16
WITHOUT_SPLITS = ("covid_blues", "hippocampus")
MADE_UP = ("needle", "hard_needle", "planted")
MADE_UP_CASES = {"train": 1500, "val": 300, "test": 600}
MADE_UP_SEEDS = {"train": 1000, "val": 1001, "test": 1002}


class SweepCases(NamedTuple):
    """Volumes ``(N, C, H, W, D)`` uint8 or float, labels ``(N,)``, and where known the telling slices ``(N, D)``.

    Of clips padded at their end the number of real slices ``lengths`` ``(N,)``, and the number of the patient of each
    case ``groups`` ``(N,)``, where a patient has several.
    """

    images: Tensor
    labels: Tensor
    telling: Tensor | None = None
    lengths: Tensor | None = None
    groups: Tensor | None = None

    def take(self, places: Tensor) -> SweepCases:
        """Return the cases at ``places``."""
        return SweepCases(*(None if part is None else part[places] for part in self))  # type: ignore[arg-type]

    def patients(self) -> list[int] | None:
        """Return ``groups`` as numbers, for :func:`monai_das.metrics.case_weights`."""
        return None if self.groups is None else self.groups.tolist()


@lru_cache(maxsize=3)
def sweep_cases(
    root: str | None, name: str, split: str, size: int, slice_dim: int, target: str = "severity>=2"
) -> SweepCases:
    """Return one split of ``name``: one of ``MADE_UP``, or a set under ``root``.

    ``"covid_blues"``, with labels of ``target``, and ``"hippocampus"`` are one split for cross-validation, ``"train"``;
    all others are MedMNIST3D sets.

    Raises:
        ValueError: the set needs a ``root`` and there is none; it has no such split; see :func:`medmnist3d_datalist`.
        OSError: the data is nowhere, and cannot be downloaded.
    """
    if name in MADE_UP:
        return made_up(name, split, root)
    if root is None:
        raise ValueError(f"{name} needs the folder of the data; give --data, or set MONAI_DAS_DATA")
    if name in WITHOUT_SPLITS and split != "train":
        raise ValueError(f"{name} has no split {split!r}, only patients; give the grid folds")
    if name == "hippocampus":
        images, labels, groups = hippocampus_tensors(root, size)
        return SweepCases(images, labels, groups=groups)
    if name == "covid_blues":
        images, labels, lengths, groups = clip_tensors(root, size, target)
        return SweepCases(images, labels, None, lengths, groups)
    cases = medmnist3d_datalist(root, name, split, size=size, slice_dim=slice_dim)
    images = torch.from_numpy(np.stack([case["image"] for case in cases]))
    return SweepCases(images, torch.tensor([case["label"] for case in cases]))


def made_up(name: str, split: str, root: str | None) -> SweepCases:
    """Return one split of a set whose telling slices are known; every split has a seed of its own.

    Backgrounds of ``"planted"`` are real: those of the test split are cut from other images than the rest.
    """
    number, seed = MADE_UP_CASES[split], MADE_UP_SEEDS[split]
    if name == "needle":
        made = needle_set(number, seed)
        telling = torch.nn.functional.one_hot(made.needles, made.images.size(4)).bool()
        return SweepCases(made.images, made.labels, telling)
    if name == "hard_needle":
        return SweepCases(*hard_needle_set(number, seed))
    stacks = real_backgrounds(root)
    return SweepCases(*planted_set(number, seed, stacks.test if split == "test" else stacks.train))


def held_out(cases: SweepCases, fold: int, folds: int) -> tuple[SweepCases, SweepCases]:
    """Return the cases without, and those of, part ``fold`` of ``folds`` equal ones, each class spread evenly.

    The parts are the same for every seed and method. Cases of one patient stay together: then parts are as equal as
    whole patients allow, those of :func:`monai_das.datasets.covid_blues_datalist`.
    """
    if cases.groups is not None:
        labelled = zip(cases.labels.tolist(), cases.groups.tolist(), strict=True)
        items = [{"label": each, "patient": str(who), "place": place} for place, (each, who) in enumerate(labelled)]
        dealt = split_by_patient(items, {str(number): 1.0 for number in range(folds)})
        outside = torch.zeros(len(items), dtype=torch.bool)
        outside[[item["place"] for item in dealt[str(fold)]]] = True
        return cases.take(torch.nonzero(~outside).flatten()), cases.take(torch.nonzero(outside).flatten())
    order = torch.argsort(cases.labels, stable=True)
    part = torch.empty_like(order)
    part[order] = torch.arange(len(order)) % folds
    return cases.take(torch.nonzero(part != fold).flatten()), cases.take(torch.nonzero(part == fold).flatten())


def batches(cases: SweepCases) -> Iterator[tuple[SweepCases, Tensor]]:
    """Yield ``cases`` in their order, ``BATCH`` at a time, each part with its volumes as a network takes them."""
    for places in torch.split(torch.arange(len(cases.labels)), BATCH):
        part = cases.take(places)
        yield part, as_input(part.images)


def as_input(images: Tensor) -> Tensor:
    """Return volumes as a network takes them: float32, whole numbers scaled to [0, 1] per case as MONAI does."""
    if images.is_floating_point():
        return images
    low, high = (bound(images, dim=(1, 2, 3, 4), keepdim=True).float() for bound in (torch.amin, torch.amax))
    return (images.float() - low) / (high - low).clamp(min=1.0)


def augmented(images: Tensor, flip_prob: float, shift: int, lengths: Optional[Tensor] = None) -> Tensor:
    """Return ``images`` ``(B, C, H, W, D)``, each flipped along each axis by chance and shifted by up to ``shift``.

    What comes in at the border is the smallest value of the case. Draws are from torch's global generator. With
    ``lengths`` ``(B,)`` the cases are clips: padding stays where it is, no clip is turned upside down or cut short.
    """
    flips = torch.rand(len(images), 3) < flip_prob
    shifts = torch.randint(-shift, shift + 1, (len(images), 3))
    if lengths is not None:
        flips[:, 1] = False
        shifts[:, 2] = 0
    result = images.clone()
    for case, image in enumerate(images):
        axes = [axis + 1 for axis in range(3) if flips[case, axis]]
        real = image if lengths is None else image[..., : int(lengths[case])]
        result[case, ..., : real.size(3)] = shifted(real.flip(axes) if axes else real, shifts[case].tolist())
    return result


def shifted(image: Tensor, by: list[int]) -> Tensor:
    """Return ``image`` ``(C, H, W, D)`` moved by whole voxels."""
    moved = torch.full_like(image, float(image.min()))
    into = [slice(max(0, step), size + min(0, step)) for step, size in zip(by, image.shape[1:], strict=True)]
    out_of = [slice(max(0, -step), size + min(0, -step)) for step, size in zip(by, image.shape[1:], strict=True)]
    moved[(slice(None), *into)] = image[(slice(None), *out_of)]
    return moved
