"""Readers' verdicts on single slices, as a map that gets the same augmentation as the image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from torch import Tensor

from monai_das.transforms.slice_axis import source_slice_indices

FIELDS = ("slices_confirmed", "slices_rejected", "slices_added", "slices")


def verdict_vector(case: Mapping[Any, Any], depth: int) -> Tensor:
    """Return ``(D,)`` float32 in the source's own order: 1 confirmed or added, -1 rejected, 0 no verdict.

    A case whose slices are all known, from masks, boxes or key images, has one field ``slices`` instead, the slices
    that show what is looked for: they get 1 and all others -1. An empty list says that no slice shows it.

    Args:
        case: an entry of the datalist that ``monai-das review pull`` writes, or one with ``slices``; a missing field
            names no slice.
        depth: D, number of slices of the source.

    Raises:
        ValueError: an index is out of range, a slice is both wanted and rejected, or ``slices`` is not alone.
    """
    vector = torch.zeros(depth)
    if case.get("slices") is not None:
        others = [field for field in FIELDS[:3] if case.get(field)]
        if others:
            raise ValueError(f"slices says all about the slices of a case, got {', '.join(others)} too; leave one out")
        vector.fill_(-1.0)[_indices(case, "slices", depth)] = 1.0
        return vector
    wanted = [*_indices(case, "slices_confirmed", depth), *_indices(case, "slices_added", depth)]
    rejected = _indices(case, "slices_rejected", depth)
    both = sorted(set(wanted) & set(rejected))
    if both:
        raise ValueError(f"slices {both} are confirmed or added and also rejected; let one reader decide")
    vector[wanted] = 1.0
    vector[rejected] = -1.0
    return vector


def _indices(case: Mapping[Any, Any], field: str, depth: int) -> list[int]:
    given: Sequence[int] = case.get(field) or []
    wrong = [index for index in given if not 0 <= int(index) < depth]
    if wrong:
        raise ValueError(f"{field} names slice {wrong[0]}, there are slices 0 to {depth - 1}; indices are 0-based")
    return [int(index) for index in given]


class SliceVerdictsd(MapTransform):
    """Write ``verdicts``, a float32 map ``(1, H, W, D)`` of the readers' verdicts on the slices of an image.

    Every pixel of a slice holds the verdict on it (1, -1 or 0; see :func:`verdict_vector`). The map can therefore go
    through the same flips, shifts and rotations as the image; :class:`~monai_das.losses.DASReaderLoss` then reads from
    it what became of each slice. The transform also writes ``slice_count``, D.

    Place it after :class:`SliceAxisd`, whose ``meta`` says which slice of the source each one is, after everything that
    changes H and W, and before the meta is dropped. It removes the fields it
    reads (``slices``, ``slices_confirmed``, ``slices_rejected``, ``slices_added``) from the item, because lists of
    different length do not collate.

    Args:
        keys: the image, one key.

    Raises:
        ValueError: the image has no such ``meta``, or see :func:`verdict_vector`.
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys)
        if len(self.keys) != 1:
            raise ValueError(f"keys must be one image, got {self.keys}")

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the map."""
        d = dict(data)
        image = d[self.keys[0]]
        meta = image.meta if isinstance(image, MetaTensor) else {}
        depth = int(image.shape[-1])
        source = source_slice_indices(meta, torch.arange(depth))
        verdicts = verdict_vector(d, depth)[source]
        d["verdicts"] = verdicts.expand(1, *image.shape[1:]).clone()
        d["slice_count"] = depth
        for field in FIELDS:
            d.pop(field, None)
        return d
