"""A fingerprint of the cases that were trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from monai_das.data.identity import file_digest


def data_fingerprint(cases: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the SHA-256, in hexadecimal, of part, label and content of all ``cases``, whatever their order and place.

    Args:
        cases: by part; an item has an ``image``, a path or an array, and a ``label``. ``sha256`` of the content spares
            reading it.

    Raises:
        OSError: a file cannot be read.

    Example:
        >>> one = data_fingerprint({"training": [{"image": np.zeros(3), "label": 0}]})
        >>> one == data_fingerprint({"training": [{"image": np.zeros(3), "label": 1}]})
        False
    """
    lines = [f"{part} {item.get('label')} {_content(item)}" for part, items in cases.items() for item in items]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def files_digest(files: Sequence[Path]) -> str:
    """Return the SHA-256 of the contents of ``files``, whatever their names and order."""
    return hashlib.sha256("".join(sorted(file_digest(file) for file in files)).encode()).hexdigest()


def _content(item: Mapping[str, Any]) -> str:
    if "sha256" in item:
        return str(item["sha256"])
    image = item["image"]
    if isinstance(image, str | Path):
        path = Path(image)
        return files_digest(sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path])
    values = np.ascontiguousarray(torch.as_tensor(image).numpy())
    return hashlib.sha256(repr((values.shape, values.dtype.str)).encode() + values.tobytes()).hexdigest()
