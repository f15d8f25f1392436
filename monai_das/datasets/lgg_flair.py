"""Brain MR with lower-grade glioma, tumour slices known: TCGA-LGG as published by Buda et al., FLAIR alone."""

from __future__ import annotations

import csv
from os import PathLike
from pathlib import Path
from typing import Any

FOLDER = "lgg_flair"


def lgg_flair_items(root: str | PathLike[str]) -> list[dict[str, Any]]:
    """Return every patient of the FLAIR series of TCGA-LGG, in the order of their names.

    The data is CC BY-NC-SA 4.0. Voxel sizes are unknown, and the affine of the files is made up.

    Args:
        root: folder with ``cases.csv``, ``slices.csv`` and the images, or one with a folder ``lgg_flair`` like that.

    Returns:
        ``{"image": path, "patient": str, "slices": list of int, "location": int}`` for each patient. ``slices`` are
        those with tumour, ``location`` is the published code (2 and 6 are presumably frontal and temporal), 0 where
        there is none.

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
        code = row["location_code"]
        items.append(
            {
                "image": str(folder / row["image"]),
                "patient": row["case"],
                "slices": [place for place, area in known if area > 0],
                "location": int(code) if code.isdigit() else 0,
            }
        )
    return items


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
