"""Tasks of brain MR with known tumour slices: sets of slices of one patient, and whole brains with a place to name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from monai_das.data import read_volume
from monai_das.datasets import lgg_flair_items, lgg_flair_sets

PLACES = (2, 6)
Items = list[dict[str, Any]]


def lgg_set_cases(root: str | PathLike[str], size: int) -> Items:
    """Return the sets of :func:`monai_das.datasets.lgg_flair_sets` as tensors.

    Args:
        root: see :func:`monai_das.datasets.lgg_flair_items`.
        size: pixels a side, averaged over areas.

    Returns:
        ``{"image": (1, size, size, 12) float32 in [0, 1], "label": int, "telling": (12,) bool, "patient": str}``.
    """
    cases = []
    for path, sets in groupby(lgg_flair_sets(root), key=lambda item: str(item["image"])):
        brain = shrunk(path, size)
        for item in sets:
            chosen, tumour = torch.as_tensor(item["taken"]), torch.zeros(brain.size(2), dtype=torch.bool)
            tumour[item["slices"]] = True
            image = brain[:, :, chosen][None].clone()
            case = {"image": image, "label": item["label"], "telling": tumour[chosen], "patient": item["patient"]}
            cases.append(case)
    return cases


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
