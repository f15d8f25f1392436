"""The cases of a data set as tensors, for measuring a trained network on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

BATCH = 16


class SweepCases(NamedTuple):
    """Volumes ``(N, C, H, W, D)`` float32 as a network takes them, labels ``(N,)``, and what else is known.

    Attributes:
        images: volumes, padded at the end of D.
        labels: ``(N,)`` int64.
        telling: ``(N, D)`` bool, the slices that hold the evidence, if they are known.
        lengths: ``(N,)`` number of real slices, if the cases differ in it.
        groups: ``(N,)`` number of the patient, if patients have several cases.
    """

    images: Tensor
    labels: Tensor
    telling: Tensor | None = None
    lengths: Tensor | None = None
    groups: Tensor | None = None

    def take(self, places: Tensor) -> SweepCases:
        """Return the cases at ``places``."""
        return SweepCases(*(None if part is None else part[places] for part in self))  # type: ignore[arg-type]

    def patients(self) -> list[int] | None:
        """Return ``groups`` as numbers, for resampling whole patients."""
        return None if self.groups is None else self.groups.tolist()


def cases_of(items: Sequence[dict[str, Any]]) -> SweepCases:
    """Return preprocessed ``items`` of a MONAI data set: ``image``, ``label``, and ``telling``, ``patient`` if there.

    An item may give its number of real slices as ``lengths``.
    """
    depths = [int(item.get("lengths", item["image"].shape[-1])) for item in items]
    deepest = max(item["image"].shape[-1] for item in items)
    images = torch.stack([padded(torch.as_tensor(item["image"]), deepest) for item in items])
    labels = torch.tensor([int(item["label"]) for item in items])
    telling = None
    if "telling" in items[0]:
        telling = torch.stack([behind(torch.as_tensor(item["telling"]), deepest) for item in items])
    lengths = None if set(depths) == {deepest} else torch.tensor(depths)
    groups = None
    if "patient" in items[0]:
        numbers = {name: number for number, name in enumerate(sorted({str(item["patient"]) for item in items}))}
        groups = torch.tensor([numbers[str(item["patient"])] for item in items])
    return SweepCases(images, labels, telling, lengths, groups)


def padded(image: Tensor, depth: int) -> Tensor:
    """Return ``image`` ``(C, H, W, D)`` with zeros behind its last slice, up to ``depth``."""
    return behind(image.float(), depth)


def behind(values: Tensor, depth: int) -> Tensor:
    """Return ``values`` ``(..., D)`` with zeros behind the last, up to ``depth``."""
    return functional.pad(values, (0, depth - values.size(-1)))


def batches(cases: SweepCases) -> Iterator[SweepCases]:
    """Yield ``cases`` in their order, ``BATCH`` at a time."""
    for places in torch.split(torch.arange(len(cases.labels)), BATCH):
        yield cases.take(places)
