"""Preprocessing of a part of the slices: which transforms allow it, and running them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from torch import Tensor

from monai_das.data import SliceSource
from monai_das.data.source import as_image
from monai_das.transforms import SliceAxisd

Step = Callable[[Any], Any]

# MONAI's transforms that do to one slice what they do to it in a volume; ours say so by an attribute `slicewise`
SLICEWISE = frozenset(
    [
        "CastToTyped",
        "EnsureChannelFirstd",
        "EnsureTyped",
        "Identityd",
        "ScaleIntensityRanged",
        "ShiftIntensityd",
        "ThresholdIntensityd",
        "ToDeviced",
        "ToTensord",
    ]
)


def flat_steps(transforms: Any) -> tuple[Step, ...]:
    """Return the single transforms of a ``Compose``, a sequence or one transform, without those that load files.

    These are told by ``LoadImage`` in the name of their class, the mark that MONAI Deploy knows them by.
    """
    content = list(transforms) if isinstance(transforms, Sequence) else [transforms]
    flat: Any = Compose(content).flatten()  # type: ignore[no-untyped-call]
    return tuple(step for step in flat.transforms if "LoadImage" not in type(step).__name__)


def allows_parts(steps: Iterable[Step], source: SliceSource) -> bool:
    """Say whether ``steps`` give the same for a few slices of ``source`` as for these within the whole.

    That is so where each is known to treat slices one by one (:data:`SLICEWISE`, or an attribute ``slicewise``), and
    the slice axis stays that of the source. Anything unknown counts as looking at the whole.
    """
    known = list(steps)
    if not all(_is_slicewise(step) for step in known):
        return False
    for step in known:
        if isinstance(step, SliceAxisd):
            keys: Sequence[Hashable] = step.keys
            probe = as_image(torch.zeros(source.channels, 3, 3, 2).numpy(), source.full_affine(), source.name)
            if any(int(step({key: probe})[key].meta["slice_axis"]) != 2 for key in keys[:1]):
                return False
    return True


def _is_slicewise(step: Step) -> bool:
    name = type(step).__name__
    return name in SLICEWISE or bool(getattr(step, "slicewise", False)) or isinstance(step, SliceAxisd) or resizes(step)


def resizes(step: Step) -> bool:
    """Say whether ``step`` is MONAI's ``Resized`` of all slices in their plane, as in ``spatial_size=[64, 64, -1]``."""
    resizer: Any = getattr(step, "resizer", None)
    size = getattr(resizer, "spatial_size", None)
    in_plane = isinstance(size, Sequence) and len(size) == 3 and int(size[2]) == -1
    return type(step).__name__ == "Resized" and in_plane and resizer.size_mode == "all"


def preprocessed(image: MetaTensor, steps: Iterable[Step], key: Hashable) -> tuple[Tensor, MetaTensor]:
    """Return what ``steps`` make of ``image`` ``(C, W, H, D)``, and it again as the last of them with metadata left it.

    Raises:
        ValueError: the result holds NaN or infinite values.
    """
    data: Any = {key: image}
    placed, result = image, image.as_tensor()
    for step in steps:
        data = step(data)
        if isinstance(data[key], MetaTensor):
            placed = data[key]
        result = torch.as_tensor(data[key])
    plain = result.as_tensor() if isinstance(result, MetaTensor) else result
    if not bool(torch.isfinite(plain).all()):
        raise ValueError("preprocessing gave NaN or infinite values; replace those in the file by a number")
    return plain, placed
