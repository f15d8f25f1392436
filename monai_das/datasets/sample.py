"""Volumes to try things on: made up ones, and any array written as NIfTI."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray


def make_sample_volumes(num: int, size: int = 64, seed: int = 0) -> list[dict[str, Any]]:
    """Return made-up masks of two classes, in the form of :func:`medmnist3d_datalist`, for when there is no data.

    A mask is a smooth bent sheet: thin in class 0, thick with a ball in it in class 1, like an adrenal gland and its
    hyperplasia. About half of the slices are empty. Classes alternate. These shapes prove nothing about medicine.

    Args:
        num: how many.
        size: side of the cubes in voxels, at least 8.
        seed: equal seeds give equal volumes.

    Returns:
        Per case ``{"image": (1, size, size, size) uint8 of 0 and 255, "label": 0 or 1}``.

    Raises:
        ValueError: ``num`` is negative or ``size`` is below 8.
    """
    if num < 0 or size < 8:
        raise ValueError(f"num must be at least 0 and size at least 8, got {num=} and {size=}")
    random = np.random.RandomState(seed)
    return [{"image": _gland(random, size, index % 2)[None], "label": index % 2} for index in range(num)]


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


def write_nifti(volume: NDArray[Any], path: str | PathLike[str], spacing: Sequence[float] = (1.0, 1.0, 1.0)) -> None:
    """Write ``volume`` ``(H, W, D)``, whose axes point to the patient's right, front and head, as NIfTI.

    Args:
        volume: of a type that NIfTI knows (uint8, int16, float32 and others).
        path: ends in ``.nii`` or ``.nii.gz``; its folder is made.
        spacing: voxel size in mm along the three axes.

    Raises:
        ValueError: ``volume`` is not 3-D, or the path ends otherwise.
    """
    if volume.ndim != 3:
        raise ValueError(f"volume must be (H, W, D), got {volume.shape}; take one channel")
    if not str(path).endswith((".nii", ".nii.gz")):
        raise ValueError(f"path must end in .nii or .nii.gz, got {path}")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(volume, np.diag([*spacing, 1.0]))  # type: ignore[no-untyped-call]
    nibabel.save(image, path)
