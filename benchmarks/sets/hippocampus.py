"""The hippocampus volumes of a sweep: coronal slices of real MR, of one size, with their subjects."""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from monai.transforms import Compose, Orientation, ResizeWithPadOrCrop, ScaleIntensityRangePercentiles
from torch import Tensor

from monai_das.data import read_volume

# D of the volumes; the config's depth must say the same
CORONAL_DEPTH = 40


def hippocampus_tensors(root: str, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return all volumes of the hippocampus set that have a mask: images, labels and subjects.

    T1 crops of 1 mm (Medical Segmentation Decathlon, Task04, CC BY-SA 4.0). The label says whether the hippocampus is
    larger than the median, by its mask: a check of loaders and recipes, no diagnosis. Slices are coronal. The published
    crops are as large as the hippocampus in them, which gives the label away (AUC 0.70 by the crop's volume alone).
    Therefore the same middle is taken from each: at 32 pixels a side it holds 99 % of the masks, and the crop's size
    then gives an AUC of 0.54.

    Args:
        root: folder with a folder ``hippocampus`` with ``index.csv``: ``image``, ``large_volume``, ``subject_guess``.
        size: pixels a side, each 1 mm; smaller crops are padded with 0.

    Returns:
        ``(N, 1, size, size, 40)`` uint8, and two of ``(N,)`` int64.

    Raises:
        FileNotFoundError: the data is not there.
    """
    index = Path(root) / "hippocampus" / "index.csv"
    if not index.is_file():
        raise FileNotFoundError(f"{index}: no such file; give the folder that has a folder hippocampus with index.csv")
    with index.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["large_volume"]]
    middle = Compose(
        [
            Orientation("RSA", labels=None),
            ScaleIntensityRangePercentiles(0.5, 99.5, 0, 255, clip=True),
            ResizeWithPadOrCrop((size, size, CORONAL_DEPTH)),
        ]
    )
    volumes = [middle(read_volume(index.parent / row["image"]).image).as_tensor() for row in rows]
    images = torch.stack(volumes).round().to(torch.uint8)
    labels = torch.tensor([int(float(row["large_volume"])) for row in rows])
    return images, labels, torch.tensor([int(row["subject_guess"]) for row in rows])
