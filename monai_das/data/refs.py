"""Identities of the slices of a volume that only its affine describes, or that was reoriented."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from monai.data import MetaTensor
from numpy.typing import NDArray

from monai_das.data.source import SliceRef


def affine_refs(affine: NDArray[np.float64] | None, depth: int) -> tuple[SliceRef, ...]:
    """Return the identities of ``depth`` slices along the third axis of a volume with ``affine`` (RAS mm), or none."""
    if affine is None:
        return tuple(SliceRef(index) for index in range(depth))
    positions = _positions(affine, depth)
    return tuple(SliceRef(index, position_mm=position) for index, position in enumerate(positions))


def plane_refs(refs: Sequence[SliceRef], image: MetaTensor) -> list[SliceRef]:
    """Return the identities of the slices of a reoriented volume, in its own order.

    Args:
        refs: the identities in the source, from :class:`VolumeCase`.
        image: the source's image after :class:`monai_das.transforms.SliceAxis`.

    Returns:
        The source's own refs, turned round where the axis was flipped; for a plane that was not acquired (coronal of
        an axial series), refs without object and frame, whose index counts along that axis of the source.

    Raises:
        ValueError: the image did not go through ``SliceAxis``.
    """
    if "slice_axis" not in image.meta:
        raise ValueError("the image's meta has no slice_axis; apply monai_das.transforms.SliceAxis first")
    depth = int(image.meta["slice_count"])
    places = range(depth - 1, -1, -1) if bool(image.meta["slice_flipped"]) else range(depth)
    if int(image.meta["slice_axis"]) == 2:
        return [refs[place] for place in places]
    positions = _positions(np.asarray(image.affine, dtype=np.float64), depth)
    return [SliceRef(place, position_mm=position) for place, position in zip(places, positions, strict=True)]


def _positions(affine: NDArray[np.float64], depth: int) -> list[tuple[float, float, float]]:
    """Return the centres of the voxels (0, 0, d), in LPS mm, of an ``affine`` to RAS mm."""
    steps = np.arange(depth)[:, None] * affine[:3, 2] + affine[:3, 3]
    # adding 0.0 turns -0.0 into 0.0
    return [(float(x), float(y), float(z)) for x, y, z in steps * np.array([-1.0, -1.0, 1.0]) + 0.0]
