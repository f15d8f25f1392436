"""Brain MR with lower-grade glioma, tumour slices known: TCGA-LGG as published by Buda et al., FLAIR alone."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_das.datasets.datalists import split_by_patient

FOLDER = "lgg_flair"
# of the sets: their slices, pairs of a patient, most tumour slices, and the seed of their draw
SLICES = 12
PAIRS = 3
MOST = 4
DRAWN = 2026


def lgg_flair_items(root: str | PathLike[str]) -> list[dict[str, Any]]:
    """Return every patient of the FLAIR series of TCGA-LGG, in the order of their names.

    The data is CC BY-NC-SA 4.0. Voxel sizes are unknown, and the affine of the files is made up.

    Args:
        root: folder with ``cases.csv``, ``slices.csv`` and the images, or one with a folder ``lgg_flair`` like that.

    Returns:
        ``{"image": path, "patient": str, "group": str, "depth": int, "slices": list of int, "label": int,
        "location": int}`` for each patient. ``slices`` are those with tumour, of ``depth``; ``label`` is 1 if there are
        any, ``location`` is the published code (2 and 6 are presumably frontal and temporal), 0 where there is none.

    Raises:
        FileNotFoundError: the data is not there.
        ValueError: ``slices.csv`` does not have the slices that ``cases.csv`` counts.

    References:
        Buda et al., *Association of genomic subtypes of lower-grade gliomas with shape features automatically extracted
        by a deep learning algorithm*, Computers in Biology and Medicine, 2019.
    """
    folder = next((place for place in (Path(root) / FOLDER, Path(root)) if (place / "slices.csv").is_file()), None)
    if folder is None:
        raise FileNotFoundError(f"{root}: no slices.csv; give the folder with a folder {FOLDER} in it")
    pixels: dict[str, list[tuple[int, int]]] = {}
    for row in _rows(folder / "slices.csv"):
        pixels.setdefault(row["case"], []).append((int(row["slice"]), int(row["tumour_pixels"])))
    items = []
    for row in sorted(_rows(folder / "cases.csv"), key=lambda row: row["case"]):
        known = sorted(pixels.get(row["case"], []))
        if [place for place, _ in known] != list(range(int(row["slices"]))):
            raise ValueError(
                f"{folder / 'slices.csv'}: must have slices 0 to {int(row['slices']) - 1} of {row['case']}, "
                f"as cases.csv counts them, got {len(known)} rows; get both files anew"
            )
        code, slices = row["location_code"], [place for place, area in known if area > 0]
        items.append(
            {
                "image": str(folder / row["image"]),
                "patient": row["case"],
                "group": row["case"],
                "depth": len(known),
                "slices": slices,
                "label": int(bool(slices)),
                "location": int(code) if code.isdigit() else 0,
            }
        )
    return items


def lgg_flair_sets(root: str | PathLike[str]) -> list[dict[str, Any]]:
    """Return sets of 12 slices of one patient in anatomical order, labelled "holds a tumour", half of them positive.

    Each patient with at least 12 slices without tumour gives three pairs. The positive set has 1 to 4 consecutive
    tumour slices (their number and place at even odds) and others without, drawn without repeats; the negative one 12
    without. Windows of neighbours would put the tumour at an edge, and teach place instead of sight. The draw is fixed.

    Returns:
        The items of :func:`lgg_flair_items`, each with the ``label`` of the set, its slices ``taken`` and its ``name``;
        :class:`~monai_das.transforms.DASTakeSlicesd` takes them.

    Raises:
        FileNotFoundError, ValueError: see :func:`lgg_flair_items`.
    """
    random = np.random.default_rng(DRAWN)
    sets = []
    for item in lgg_flair_items(root):
        tumour = np.zeros(item["depth"], bool)
        tumour[item["slices"]] = True
        for number, (label, places) in enumerate(drawn_sets(tumour, random)):
            sets.append({**item, "label": label, "taken": places, "name": f"{item['patient']}_set{number}"})
    return sets


def lgg_flair_datalist(
    root: str | PathLike[str], *, fold: int = 0, num_folds: int = 4, seed: int = 0
) -> dict[str, list[dict[str, Any]]]:
    """Return whole brains to train on, and sets of the held-out patients of one fold, no patient in both.

    Args:
        root: see :func:`lgg_flair_items`.
        fold: which patients are held out, from 0.
        num_folds: how many folds there are, at least 2.
        seed: which split.

    Returns:
        ``{"training": items of lgg_flair_items, "validation": items of lgg_flair_sets}``.

    Raises:
        FileNotFoundError: the data is not there.
        ValueError: an argument is out of range; or see :func:`lgg_flair_items`.
    """
    if num_folds < 2 or not 0 <= fold < num_folds:
        raise ValueError(f"fold must be in 0 to num_folds - 1 and num_folds at least 2, got {fold} of {num_folds}")
    items = lgg_flair_items(root)
    parts = split_by_patient(items, {str(number): 1.0 for number in range(num_folds)}, seed)
    held = {item["group"] for item in parts[str(fold)]}
    return {
        "training": [item for item in items if item["group"] not in held],
        "validation": [item for item in lgg_flair_sets(root) if item["group"] in held],
    }


def drawn_sets(tumour: NDArray[np.bool_], random: np.random.Generator) -> Iterator[tuple[int, list[int]]]:
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


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
