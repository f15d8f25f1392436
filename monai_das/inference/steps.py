"""Run preprocessing on some of the slices, where the transforms allow that."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from torch import Tensor

from monai_das.data import Finding, SliceSource
from monai_das.data.source import as_image
from monai_das.transforms import SliceAxisd

Step = Callable[[Any], Any]

# MONAI's transforms that treat a slice alone as they treat it within a volume; ours have the attribute `slicewise`
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
    """Return the single transforms of a ``Compose``, a sequence or one transform, except the ones that load files.

    A transform loads files if the name of its class contains ``LoadImage``. MONAI Deploy has the same rule.
    """
    content = list(transforms) if isinstance(transforms, Sequence) else [transforms]
    flat: Any = Compose(content).flatten()  # type: ignore[no-untyped-call]
    return tuple(step for step in flat.transforms if "LoadImage" not in type(step).__name__)


def allows_parts(steps: Iterable[Step], source: SliceSource) -> bool:
    """Say whether ``steps`` do the same to a few slices of ``source`` as to these slices within the whole.

    They do if every step treats slices one by one (:data:`SLICEWISE`, or the attribute ``slicewise``) and none changes
    the slice axis. An unknown transform counts as one that needs the whole.
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
    """Say whether ``step`` is MONAI's ``Resized`` that keeps the number of slices: ``spatial_size=[64, 64, -1]``."""
    resizer: Any = getattr(step, "resizer", None)
    size = getattr(resizer, "spatial_size", None)
    in_plane = isinstance(size, Sequence) and len(size) == 3 and int(size[2]) == -1
    return type(step).__name__ == "Resized" and in_plane and resizer.size_mode == "all"


def preprocessed(image: MetaTensor, steps: Iterable[Step], key: Hashable) -> tuple[Tensor, MetaTensor]:
    """Return ``image`` ``(C, W, H, D)`` after ``steps``, and again as the last step that kept its metadata left it.

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
        raise ValueError(Finding("preprocessing gave NaN or infinite values; replace those in the file by a number"))
    return plain, placed
