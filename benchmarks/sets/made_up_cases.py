"""Datalists of the laboratory's own sets, which configs name: evidence in known slices, hippocampi, made-up masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.sets import (
    DASEvidenceSet,
    hard_needle_set,
    hippocampus_tensors,
    needle_set,
    planted_set,
    real_backgrounds,
)

CASES = {"train": 1500, "val": 300, "test": 600}
SEEDS = {"train": 1000, "val": 1001, "test": 1002}
SETS = ("needle", "hard_needle", "planted")
MASKS = 400


def evidence_cases(
    name: str, split: str, root: str | None = None, number: int | None = None, **drawn: Any
) -> list[dict[str, Any]]:
    """Return one split of a set whose telling slices are known, as a datalist; every split has a seed of its own.

    Backgrounds of ``"planted"`` are real. The test split is cut from other images than the other splits.

    Args:
        name: ``"needle"``, ``"hard_needle"`` or ``"planted"``.
        split: ``"train"``, ``"val"`` or ``"test"``.
        root: folder of the data, for the backgrounds.
        number: only the first so many cases; None for all.
        drawn: how ``"hard_needle"`` is drawn, see :func:`hard_needle_set`.

    Returns:
        ``{"image": (1, H, W, D) float32, "label": int, "telling": (D,) bool}`` for each case.

    Raises:
        ValueError: there is no such set or split, or another set than ``"hard_needle"`` is to be ``drawn`` otherwise.
    """
    if name not in SETS or split not in CASES:
        raise ValueError(f"name must be one of {SETS} and split one of {tuple(CASES)}, got {name=} and {split=}")
    made = made_up(name, CASES[split] if number is None else number, SEEDS[split], root, test=split == "test", **drawn)
    cases = zip(made.images, made.labels.tolist(), made.evidence, strict=True)
    return [{"image": image, "label": label, "telling": telling} for image, label, telling in cases]


def made_up(name: str, number: int, seed: int, root: str | None, *, test: bool, **drawn: Any) -> DASEvidenceSet:
    """Return ``number`` cases of the set ``name``."""
    if name == "hard_needle":
        return hard_needle_set(number, seed, **drawn)
    if drawn:
        raise ValueError(f"only hard_needle can be drawn otherwise, got {sorted(drawn)} for {name}; leave it out")
    if name == "needle":
        needles = needle_set(number, seed)
        telling = torch.nn.functional.one_hot(needles.needles, needles.images.size(4)).bool()
        return DASEvidenceSet(needles.images, needles.labels, telling)
    stacks = real_backgrounds(root)
    return planted_set(number, seed, stacks.test if test else stacks.train)


def no_split(name: str) -> list[dict[str, Any]]:
    """Refuse to give a split of the set ``name``, which has none.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{name} has no split of its own, only patients; give the grid folds")


def hippocampus_cases(root: str, size: int) -> list[dict[str, Any]]:
    """Return the hippocampus volumes as a datalist ``{"image", "label", "patient"}``; see hippocampus_tensors."""
    images, labels, subjects = hippocampus_tensors(root, size)
    cases = zip(images, labels.tolist(), subjects.tolist(), strict=True)
    return [{"image": image, "label": label, "patient": str(subject)} for image, label, subject in cases]


def mask_cases(split: str, size: int, number: int | None = None) -> list[dict[str, Any]]:
    """Return made-up masks of one split as a datalist, by default 400.

    A mask is a smooth bent sheet: thin in class 0, thick with a ball in it in class 1. About half of the slices are
    empty. Classes alternate.
    """
    random = np.random.RandomState(tuple(CASES).index(split))
    count = MASKS if number is None else number
    return [{"image": _gland(random, size, index % 2)[None], "label": index % 2} for index in range(count)]


def _gland(random: np.random.RandomState, size: int, label: int) -> NDArray[np.uint8]:
    """Return one mask ``(size, size, size)``."""
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, size)] * 3, indexing="ij")
    centre = random.uniform(-0.15, 0.15, 3)
    x, y, z = x - centre[0], y - centre[1], z - centre[2]
    bend, length = random.uniform(0.3, 0.9), random.uniform(0.45, 0.6)
    thickness = random.uniform(0.16, 0.2) if label else random.uniform(0.1, 0.13)
    sheet = (np.abs(y - bend * x**2) < thickness) & ((x / 0.6) ** 2 + (z / length) ** 2 < 1)
    place = random.uniform(-0.25, 0.25, 2)
    ball = (x - place[0]) ** 2 + (y - bend * place[0] ** 2) ** 2 + (z - place[1]) ** 2 < random.uniform(0.24, 0.3) ** 2
    mask: NDArray[np.uint8] = (sheet | (ball & bool(label))).astype(np.uint8) * np.uint8(255)
    return mask
