"""Cases of different depth in one batch: padded behind their last slice, and cut again after the network."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import list_data_collate
from monai.transforms import MapTransform
from monai.utils import TransformBackends
from torch import Tensor
from torch.nn import functional

LENGTHS = "lengths"


class DASPadCollate:
    """Collate items whose images differ in D: zeros behind the last slice, and ``lengths``, the number of real ones.

    For ``collate_fn`` of a ``DataLoader``. All else is left to MONAI's ``list_data_collate``. An item that has
    ``lengths`` already, because a transform has padded it, keeps them.

    Args:
        keys: the maps of slices, ``(C, H, W, D)`` each, alike in C, H and W; the first tells ``lengths``. A key that
            the items lack is skipped.

    Raises:
        ValueError: ``lengths`` of an item are more than its slices, or below 1.

    Example:
        >>> items = [{"image": torch.ones(1, 4, 4, 3)}, {"image": torch.ones(1, 4, 4, 5)}]
        >>> batch = DASPadCollate()(items)
        >>> batch["image"].shape, batch["lengths"].tolist()
        (torch.Size([2, 1, 4, 4, 5]), [3, 5])
    """

    def __init__(self, keys: KeysCollection = ("image", "verdicts")) -> None:
        self.keys: Sequence[Hashable] = (keys,) if isinstance(keys, str) else tuple(keys)  # type: ignore[arg-type]

    def __call__(self, batch: Sequence[Mapping[Hashable, Any]]) -> Any:
        """Return the batch of the items in ``batch``."""
        items = [dict(item) for item in batch]
        for item in items:
            depth = int(item[self.keys[0]].shape[-1])
            item[LENGTHS] = int(item.get(LENGTHS, depth))
            if not 1 <= item[LENGTHS] <= depth:
                raise ValueError(f"lengths must be 1 to {depth}, the slices of the item, got {item[LENGTHS]}")
        for key in self.keys:
            if key in items[0]:
                deepest = max(int(item[key].shape[-1]) for item in items)
                for item in items:
                    item[key] = padded(item[key], deepest)
        return list_data_collate(items)


class DASCutPaddingd(MapTransform):
    """Cut padded slices off: an item ``(C, H, W, D)`` becomes ``(C, H, W, lengths)``; without lengths it stays.

    As the first step of an evaluator's ``postprocessing``, so that metrics and pictures see no padding.

    Args:
        keys: the maps of slices.
        lengths_key: where the number of real slices lies.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - declared as MONAI declares it

    def __init__(self, keys: KeysCollection, lengths_key: str = LENGTHS, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.lengths_key = lengths_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` without padding."""
        d = dict(data)
        if self.lengths_key in d:
            for key in self.key_iterator(d):
                d[key] = d[key][..., : int(d[self.lengths_key])]
        return d


def padded(image: Any, depth: int) -> Any:
    """Return ``image`` ``(C, H, W, D)`` with zeros behind its last slice up to ``depth``; unchanged if none lack."""
    missing = depth - int(image.shape[-1])
    if missing == 0:
        return image
    whole: Tensor = functional.pad(torch.as_tensor(image), (0, missing))
    return whole
