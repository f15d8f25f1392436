"""A study that is in memory as a whole, because its file cannot be read in part or because it is an array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import MetaTensor
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data.refs import affine_refs
from monai_das.data.source import SliceRef, SliceSource, as_image, checked_indices
from monai_das.transforms.thumbnails import make_thumbnails


@dataclass(frozen=True, eq=False)
class VolumeCase:
    """A volume or clip with its slices' identities.

    Attributes:
        image: ``(C, W, H, D)`` float32, slices or frames last in the source's own order, in the plane columns before
            rows as MONAI's readers give them; ``image.affine`` leads from (column, row, slice) to mm in RAS, and is
            the identity where there is no anatomy.
        refs: one :class:`SliceRef` per slice of the last axis.
        kind: that of :class:`~monai_das.data.SliceSource`.
        has_anatomy: false for clips and pictures, whose affine means nothing.
        warnings: what to know before sharing the pixels, such as burned-in text that could not be masked.
    """

    image: MetaTensor
    refs: tuple[SliceRef, ...]
    kind: str
    has_anatomy: bool
    warnings: tuple[str, ...] = ()


class WholeSource(SliceSource):
    """A study that was read whole: for files that cannot be read in part, such as ``.nii.gz``, and for arrays.

    Args:
        case: what :func:`read_volume` returned.
        name: path, for messages.
        files: all files that it was read from.
        part: which part of them, such as the time point of several.
    """

    def __init__(self, case: VolumeCase, name: str, files: Sequence[Path] = (), part: str = "") -> None:
        self.name, self.files, self.part = name, tuple(files), part
        self.kind = case.kind
        self.refs = case.refs
        self.affine = np.asarray(case.image.affine, dtype=np.float64) if case.has_anatomy else None
        self.volume: Tensor = case.image.as_tensor()
        self.channels = int(self.volume.shape[0])
        self.plane_shape = (int(self.volume.shape[1]), int(self.volume.shape[2]))
        self.warnings = case.warnings

    def thumbnails(self, size: int) -> Tensor:
        """Return all slices small; see :class:`SliceSource`."""
        return make_thumbnails(self.volume[None], size)[0]

    def read(self, indices: Sequence[int]) -> Tensor:
        """Return the slices ``indices``; see :class:`SliceSource`."""
        return self.volume[..., checked_indices(indices, len(self), self.name)]


def array_case(array: NDArray[Any] | Tensor) -> VolumeCase:
    """Return ``array`` ``(C, H, W, D)`` as a case of the kind ``"array"``, float32, its axes in the order they are in.

    A ``MetaTensor`` has anatomy unless its affine is the identity.

    Raises:
        ValueError: it does not have four axes, has an empty axis, or does not hold real numbers.
    """
    if array.ndim != 4 or 0 in array.shape:
        hint = "; add a channel axis: array[None]" if array.ndim == 3 else "; give one volume, its slices last"
        raise ValueError(f"an array must be (C, H, W, D), got {tuple(array.shape)}{hint}")
    values = _values(array)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"an array must hold real numbers, got {values.dtype}; give magnitude or luminance")
    affine = np.asarray(array.affine.cpu(), dtype=np.float64) if isinstance(array, MetaTensor) else np.eye(4)
    depth, has_anatomy = values.shape[-1], not np.array_equal(affine, np.eye(4))
    refs = affine_refs(affine if has_anatomy else None, depth)
    return VolumeCase(as_image(values, affine, "array"), refs, "array", has_anatomy)


def _values(array: NDArray[Any] | Tensor) -> NDArray[Any]:
    if not isinstance(array, Tensor):
        return np.asarray(array)
    plain = (array.as_tensor() if isinstance(array, MetaTensor) else array).detach().cpu()
    values: NDArray[Any] = (plain if plain.is_complex() else plain.float()).numpy()
    return values
