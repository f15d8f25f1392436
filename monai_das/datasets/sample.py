"""Volumes to try things on: drawn from a shape model, and any array written as NIfTI."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

GRID = 32
STEPS = 31.0  # per voxel: the model is stored in bytes


def make_sample_volumes(num: int, size: int = 64, seed: int = 0) -> list[dict[str, Any]]:
    """Return drawn masks of two classes, in the form of :func:`medmnist3d_datalist`, for when there is no data.

    They are drawn from a shape model of each class, fitted to the training split of AdrenalMNIST3D (MedMNIST v2, CC BY
    4.0) by ``scripts/fit_shape_model.py``, which says how: the mean signed distance to the surface plus ten principal
    components with normal weights, cut off at two deviations. They look like adrenal glands, and belong to nobody.
    Classes alternate: normal, hyperplasia.

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
    return [{"image": _drawn(random, size, index % 2)[None], "label": index % 2} for index in range(num)]


def _drawn(random: np.random.RandomState, size: int, label: int) -> NDArray[np.uint8]:
    """Return one mask ``(size, size, size)``, slices last."""
    mean, modes, level = _shape_model()[label]
    weights = random.standard_normal(len(modes)).clip(-2.0, 2.0)
    distance = torch.from_numpy(mean + np.tensordot(weights, modes, axes=1)).float()
    full = interpolate(distance[None, None], (size,) * 3, mode="trilinear", align_corners=True)[0, 0]
    mask: NDArray[np.uint8] = (full > level).numpy().astype(np.uint8) * np.uint8(255)
    return mask


@lru_cache(maxsize=1)
def _shape_model() -> list[tuple[NDArray[Any], NDArray[Any], float]]:
    """Return mean ``(32, 32, 32)`` and modes ``(10, 32, 32, 32)`` in voxels of 64 cubed, and the surface's level."""
    stored = np.load(Path(__file__).with_name("shape_model.npz"))
    return [
        (
            stored[f"mean_{label}"].reshape(GRID, GRID, GRID) / STEPS,
            stored[f"modes_{label}"].reshape(-1, GRID, GRID, GRID) / STEPS,
            float(stored[f"level_{label}"]),
        )
        for label in (0, 1)
    ]


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
