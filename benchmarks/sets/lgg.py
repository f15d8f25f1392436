"""Tasks of brain MR with known tumour slices: sets of slices of one patient, and whole brains with a place to name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from monai_das.data import read_volume
from monai_das.datasets import lgg_flair_items

SLICES = 12
PAIRS = 3
MOST = 4
DRAWN = 2026
PLACES = (2, 6)
Items = list[dict[str, Any]]


def lgg_set_cases(root: str | PathLike[str], size: int) -> Items:
    """Return sets of 12 slices of one patient in anatomical order, labelled "holds a tumour", half of them positive.

    Each patient with at least 12 slices without tumour gives three pairs. The positive set has 1 to 4 consecutive
    tumour slices (their number and place at even odds) and others without, drawn without repeats; the negative one 12
    without. Windows of neighbours would put the tumour at an edge, and teach place instead of sight.

    Args:
        root: see :func:`monai_das.datasets.lgg_flair_items`.
        size: pixels a side, averaged over areas.

    Returns:
        ``{"image": (1, size, size, 12) float32 in [0, 1], "label": int, "telling": (12,) bool, "patient": str}``.
    """
    random = np.random.default_rng(DRAWN)
    cases = []
    for item in lgg_flair_items(root):
        brain = shrunk(item["image"], size)
        tumour = torch.zeros(brain.size(2), dtype=torch.bool)
        tumour[item["slices"]] = True
        for label, places in drawn_sets(tumour.numpy(), random):
            chosen = torch.as_tensor(places)
            image = brain[:, :, chosen][None].clone()
            cases.append({"image": image, "label": label, "telling": tumour[chosen], "patient": item["patient"]})
    return cases


def drawn_sets(
    tumour: np.ndarray[Any, np.dtype[np.bool_]], random: np.random.Generator
) -> Iterator[tuple[int, list[int]]]:
    """Yield label and slices of the sets of one patient, whose ``tumour`` slices are true; none if too few are not."""
    without = np.flatnonzero(~tumour)
    if len(without) < SLICES or not tumour.any():
        return
    for _ in range(PAIRS):
        starts: list[int] = []
        while not starts:
            number = int(random.integers(1, MOST + 1))
            starts = [place for place in range(len(tumour) - number + 1) if tumour[place : place + number].all()]
        start = int(random.choice(starts))
        others = random.choice(without, SLICES - number, replace=False).tolist()
        yield 1, sorted([*range(start, start + number), *others])
        yield 0, sorted(random.choice(without, SLICES, replace=False).tolist())


def lgg_brain_cases(root: str | PathLike[str], size: int, oracle: float = 0.0) -> Items:
    """Return whole brains of the patients whose tumour lies at one of two places, labelled by the place.

    Args:
        root: see :func:`monai_das.datasets.lgg_flair_items`.
        size: pixels a side, averaged over areas.
        oracle: keep only so large a share of the slices, evenly spread over those with tumour, as somebody would who
            knows them; 0 keeps all.

    Returns:
        ``{"image": (1, size, size, D) float32 in [0, 1], "label": int, "telling": (D,) bool, "slices": list of int,
        "lengths": D, "patient": str}``; label 0 is code 2, label 1 code 6.
    """
    cases = []
    for item in lgg_flair_items(root):
        if item["location"] in PLACES:
            brain = shrunk(item["image"], size)
            slices = torch.tensor(item["slices"])
            if oracle > 0.0:
                kept = min(len(slices), max(1, int(oracle * brain.size(2) + 0.5)))
                brain = brain[:, :, slices[((torch.arange(kept) + 0.5) * len(slices) / kept).long()]]
                slices = torch.arange(kept)
            telling = torch.zeros(brain.size(2), dtype=torch.bool)
            telling[slices] = True
            cases.append(
                {
                    "image": brain[None].clone(),
                    "label": PLACES.index(item["location"]),
                    "telling": telling,
                    "slices": slices.tolist(),
                    "lengths": brain.size(2),
                    "patient": item["patient"],
                }
            )
    return cases


def truth_of_some(cases: Sequence[dict[str, Any]], number: int | None, seed: int) -> Items:
    """Return ``cases`` with the ``slices`` of ``number`` patients alone, drawn by ``seed``; nothing is known of others.

    Raises:
        ValueError: there are fewer patients. ``number`` None is all of them.
    """
    patients = sorted({str(case["patient"]) for case in cases})
    if number is not None and not 0 <= number <= len(patients):
        raise ValueError(f"number must be 0 to the {len(patients)} patients of the training part, got {number}")
    known = set(np.random.default_rng(seed).permutation(patients)[:number].tolist())
    return [case if case["patient"] in known else {**case, "slices": None} for case in cases]


def shrunk(path: str, size: int) -> Tensor:
    """Return the volume at ``path`` as ``(size, size, D)`` float32, the whole volume in [0, 1]."""
    volume = torch.as_tensor(read_volume(path).image[0]).float()
    low, high = volume.amin(), volume.amax()
    slices = ((volume - low) / (high - low)).permute(2, 0, 1)[:, None]
    small = functional.interpolate(slices, size=(size, size), mode="area")
    return small[:, 0].permute(1, 2, 0).contiguous()
