"""MedMNIST3D as a MONAI datalist, from a local copy or the official record."""

from __future__ import annotations

import os
import zipfile
import zlib
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from monai.apps.utils import HashCheckError, download_url
from numpy.typing import NDArray

RECORD = "https://zenodo.org/records/10519652/files"
# MD5 of the files at 28 and at 64 cubed, as the package medmnist 3.0.2 states them
MD5 = {
    "organmnist3d": {28: "a0c5a1ff56af4f155c46d46fbb45a2fe", 64: "58a2205adf14a9d0a189cb06dc78bf10"},
    "nodulemnist3d": {28: "8755a7e9e05a4d9ce80a24c3e7a256f3", 64: "c47c5b7d457bf6332200d2ea6d64ecd8"},
    "adrenalmnist3d": {28: "bbd3c5a5576322bc4cdfea780653b1ce", 64: "17721accfe9fb005146a47d33bc54b2f"},
    "fracturemnist3d": {28: "6aa7b0143a6b42da40027a9dda61302f", 64: "f01d7e6316aedf4210da0da5b7437b42"},
    "vesselmnist3d": {28: "b41fd4f7e7e2feedddb201585ecafa1b", 64: "6bb274a8846e1097066dcd64e2c4520f"},
    "synapsemnist3d": {28: "1235b78a3cd6280881dd7850a78eadb6", 64: "43bd14ebf3af9d3dd072446fedc14d5e"},
}
SPLITS = {"train": "train", "val": "val", "validation": "val", "test": "test"}


def medmnist3d_datalist(
    root: str | PathLike[str],
    name: str = "adrenalmnist3d",
    split: str = "train",
    *,
    size: int = 64,
    slice_dim: int = 0,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Return one split of a MedMNIST3D set, for ``monai.data.Dataset`` and MONAI's other data sets.

    A copy at ``root/NAME.npz`` (28 cubed) or ``root/NAME_64.npz``, or in the folder of ``root`` that has the name of
    the set without ``mnist`` (``adrenal3d``), is used as it is. Otherwise the official file is downloaded to ``root``
    and checked by its MD5. The data is CC BY 4.0.

    Args:
        root: folder of the data.
        name: one of the six sets: organ-, nodule-, adrenal-, fracture-, vessel- or ``synapsemnist3d``.
        split: ``"train"``, ``"val"`` (or ``"validation"``) or ``"test"``.
        size: side of the cubes, 28 or 64 voxels.
        slice_dim: which of the three axes of the file becomes the last one, the slices.
        limit: only the first so many cases, at least 1.

    Returns:
        Per case ``{"image": (1, H, W, D) uint8, "label": int}``, in the order of the file; the images are views of
        one array.

    Raises:
        ValueError: an argument is out of range, or the file is damaged, lacks the split or is of another size.
        OSError: the file is nowhere, and cannot be downloaded whole.

    References:
        Yang et al., *MedMNIST v2*, Scientific Data 10:41, 2023.
    """
    _check_request(name, split, size, slice_dim, limit)
    images, labels = _load_split(medmnist3d_file(root, name, size), SPLITS[split], size)
    moved = np.moveaxis(images[:limit], slice_dim % 3 + 1, -1)[:, None]
    return [
        {"image": image, "label": int(label)} for image, label in zip(moved, labels[:limit].reshape(-1), strict=True)
    ]


def medmnist3d_file(root: str | PathLike[str], name: str, size: int = 64) -> Path:
    """Return the file of the set ``name`` at ``size`` cubed under ``root``, downloading it if it is not there.

    Raises:
        ValueError: there is no such set or size.
        OSError: the file is nowhere, and cannot be downloaded whole.
    """
    _check_request(name, "train", size, 0, None)
    file = f"{name}.npz" if size == 28 else f"{name}_{size}.npz"
    places = [Path(root) / file, Path(root) / name.replace("mnist", "") / file]
    for place in places:
        if place.is_file():
            return place
    _download(f"{RECORD}/{file}?download=1", places[0], MD5[name][size])
    return places[0]


def _download(url: str, path: Path, md5: str) -> None:
    """Download ``url`` to ``path``, whole and checked or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        download_url(url, part, hash_val=md5, hash_type="md5", progress=False)
        part.replace(path)
    except HashCheckError as error:
        raise OSError(f"{url}: its MD5 is not {md5}; nothing was kept: try again, or put the file at {path}") from error
    except (RuntimeError, OSError) as error:
        raise OSError(f"{path}: not there, and {url} cannot be downloaded ({error}); put the file there") from error


def _check_request(name: str, split: str, size: int, slice_dim: int, limit: int | None) -> None:
    if name not in MD5:
        raise ValueError(f"name must be one of {', '.join(MD5)}, got {name!r}")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if size not in MD5[name]:
        raise ValueError(f"size must be 28 or 64, got {size}")
    if not -3 <= slice_dim <= 2:
        raise ValueError(f"slice_dim must be in -3 to 2, got {slice_dim}")
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")


def _load_split(path: Path, split: str, size: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Return images ``(N, size, size, size)`` and labels ``(N, 1)`` of ``split``, decompressing nothing else."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            images, labels = file[f"{split}_images"], file[f"{split}_labels"]
    except KeyError as error:
        raise ValueError(f"{path}: lacks {error}, so it is no MedMNIST file; delete it to download it again") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise ValueError(f"{path}: damaged ({error}); delete it to download it again") from error
    if images.ndim != 4 or images.shape[1:] != (size,) * 3 or len(labels) != len(images):
        raise ValueError(
            f"{path}: {split} must be images (N, {size}, {size}, {size}) with N labels, got {images.shape} and "
            f"{labels.shape}; delete it to download it again"
        )
    return images, labels
