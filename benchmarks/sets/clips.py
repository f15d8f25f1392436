"""The ultrasound clips of a sweep: padded to one number of slices, with the number of real ones and the patients."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from monai_das.data import DASClipReader
from monai_das.datasets.ultrasound import covid_blues_items

# D of the padded clips; the config's depth must say the same
CLIP_DEPTH = 32


def clip_tensors(root: str, size: int, target: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return all clips of COVID-BLUES with a score: images, labels, lengths and patients.

    Labels are those of ``target``, ``"severity>=2"`` or ``"severity"``; see :func:`covid_blues_datalist`. At most 32
    frames of each clip, at even distances, in luminance, ``size`` pixels a side.

    Returns:
        ``(N, 1, size, size, 32)`` uint8, 0 where padded, and three of ``(N,)`` int64.

    Raises:
        FileNotFoundError, ValueError, ImportError: as :func:`covid_blues_datalist` and :class:`VideoSource`.
    """
    items = covid_blues_items(root, target)
    reader = DASClipReader(CLIP_DEPTH)
    images = torch.zeros(len(items), 1, size, size, CLIP_DEPTH, dtype=torch.uint8)
    lengths = torch.zeros(len(items), dtype=torch.int64)
    for place, item in enumerate(items):
        values = torch.from_numpy(np.asarray(reader.get_data((item["image"],))[0]))
        planes = torch.nn.functional.interpolate(values.permute(3, 0, 1, 2), size=(size, size), mode="area")
        lengths[place] = len(planes)
        images[place, ..., : len(planes)] = planes.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 3, 0)
    patients = [int(item["patient"].rpartition("_")[2]) for item in items]
    return images, torch.tensor([item["label"] for item in items]), lengths, torch.tensor(patients)
