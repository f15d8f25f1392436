"""Move the slice axis last, by anatomy or by position, and remember the source's own order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.config.type_definitions import NdarrayOrTensor
from monai.data import MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import InvertibleTransform, MapTransform, Orientation
from monai.utils import TransformBackends, convert_to_tensor
from monai.utils.enums import TraceKeys
from torch import Tensor

PLANES = {"axial": "RAS", "coronal": "RSA", "sagittal": "ASR"}
LABELS = (("L", "R"), ("P", "A"), ("I", "S"))
OPPOSITE = dict(zip("LRPAIS", "RLAPSI", strict=True))


class SliceAxis(InvertibleTransform):
    """Move the slice axis of an item ``(C, ., ., .)`` to the last place: ``(C, H, W, D)``.

    By anatomy (``axis``), for a ``MetaTensor`` with an affine, through :class:`monai.transforms.Orientation`: the
    slices ascend to the right, anterior or superior. The two axes of the plane point there too, in this order
    (axial ``"RAS"``, coronal ``"RSA"``, sagittal ``"ASR"``). ``"acquired"`` takes the plane closest to the source's
    own, whose third axis stays the slice axis. By position (``slice_dim``), for arrays and clips: nothing is flipped.

    The result's ``meta`` says where its slices come from, in numbers that collate: ``slice_axis`` (spatial axis of
    the source, 0 to 2), ``slice_flipped`` (the slices run against the source) and ``slice_count``.
    :func:`source_slice_indices` reads them.

    Args:
        axis: ``"acquired"``, ``"axial"``, ``"coronal"`` or ``"sagittal"``; or
        slice_dim: the spatial axis of the slices, counted without the channel: 0 to 2, or -3 to -1.

    Raises:
        ValueError: not exactly one of ``axis`` and ``slice_dim`` is given, or it is out of range; the item is not
            4-D; ``axis`` is given and the item has no regular affine.

    Example:
        >>> SliceAxis(slice_dim=0)(torch.rand(1, 10, 64, 48)).shape
        torch.Size([1, 64, 48, 10])
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]  # noqa: RUF012 - declared as MONAI declares it

    def __init__(self, axis: str | None = None, slice_dim: int | None = None) -> None:
        if (axis is None) == (slice_dim is None):
            raise ValueError(f"give axis (anatomy) or slice_dim (position), one of them, got {axis=} and {slice_dim=}")
        if axis is not None and axis not in ("acquired", *PLANES):
            raise ValueError(f"axis must be 'acquired', 'axial', 'coronal' or 'sagittal', got {axis!r}")
        if slice_dim is not None and not -3 <= slice_dim <= 2:
            raise ValueError(f"slice_dim counts the 3 spatial axes, -3 to 2, got {slice_dim}")
        self.axis = axis
        self.slice_dim = slice_dim

    def __call__(self, img: NdarrayOrTensor) -> Tensor:
        """Return ``img`` ``(C, ., ., .)`` with its slices last."""
        if len(img.shape) != 4:
            raise ValueError(f"an item must be (C, H, W, D), got {tuple(img.shape)}; add a channel axis: image[None]")
        if self.axis is None:
            return self._by_position(img)
        if not isinstance(img, MetaTensor):
            raise ValueError(
                f"axis={self.axis!r} needs an affine, that is a MetaTensor, got {type(img).__name__}; "
                "for an array give slice_dim instead"
            )
        return self._by_anatomy(img)

    def _by_position(self, img: NdarrayOrTensor) -> Tensor:
        source_axis = (self.slice_dim or 0) % 3
        places = [*(place for place in range(3) if place != source_axis), source_axis]
        image = convert_to_tensor(img, track_meta=get_track_meta())
        return self._traced(image, _moved(image, places), source_axis, False, {"places": places})

    def _by_anatomy(self, img: MetaTensor) -> Tensor:
        affine = img.affine
        if affine.shape[-1] != 4 or not torch.isfinite(affine).all() or abs(float(torch.det(affine))) < 1e-12:
            raise ValueError(f"axis={self.axis!r} needs a regular 4x4 affine, got {affine.tolist()}; give slice_dim")
        axcodes = PLANES.get(str(self.axis)) or _acquired_plane(affine)
        places, flips = _signed_axes(affine, axcodes)
        axes = zip(places, axcodes, flips, strict=True)
        letters = {place: OPPOSITE[letter] if flip else letter for place, letter, flip in axes}
        extra = {"axcodes": "".join(letters[place] for place in range(3))}
        return self._traced(img, _oriented(img, axcodes), places[2], flips[2], extra)

    def _traced(self, img: Tensor, out: Tensor, axis: int, flipped: bool, extra: dict[str, Any]) -> Tensor:
        if isinstance(out, MetaTensor):
            out.meta.update(slice_axis=axis, slice_flipped=flipped, slice_count=int(out.shape[-1]))
            self.push_transform(out, orig_size=tuple(img.shape[1:]), extra_info=extra)  # type: ignore[no-untyped-call]
        return out

    def inverse(self, data: Tensor) -> Tensor:
        """Return ``data`` ``(C, H, W, D)`` with its axes in the source's own order and directions."""
        extra = self.pop_transform(data)[TraceKeys.EXTRA_INFO]
        out: MetaTensor
        if "axcodes" in extra:
            out = _oriented(data, extra["axcodes"])
        else:
            places = [int(place) for place in extra["places"]]
            out = _moved(data, [places.index(place) for place in range(3)])
        for key in ("slice_axis", "slice_flipped", "slice_count"):
            out.meta.pop(key, None)
        return out


class SliceAxisd(MapTransform, InvertibleTransform):
    """Dictionary form of :class:`SliceAxis`."""

    backend = SliceAxis.backend

    def __init__(
        self,
        keys: KeysCollection,
        axis: str | None = None,
        slice_dim: int | None = None,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.slice_axis = SliceAxis(axis, slice_dim)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the slices of every key last."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.slice_axis(d[key])
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the original axes of every key."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.slice_axis.inverse(d[key])
        return d


def source_slice_indices(meta: Mapping[str, Any], indices: Sequence[int] | Tensor) -> Tensor:
    """Return where the slices ``indices`` ``(k,)`` of an oriented volume lie in the source, in its own order.

    Args:
        meta: the ``meta`` of the output of :class:`SliceAxis`; the result counts along its ``slice_axis``.
        indices: slice indices in the oriented volume, 0-based.

    Raises:
        ValueError: ``meta`` lacks what :class:`SliceAxis` writes.
    """
    if "slice_flipped" not in meta or "slice_count" not in meta:
        raise ValueError("meta has no slice_flipped and slice_count; apply SliceAxis with metadata tracking on first")
    chosen = torch.as_tensor(indices, dtype=torch.int64)
    return int(meta["slice_count"]) - 1 - chosen if bool(meta["slice_flipped"]) else chosen


def _oriented(image: Tensor, axcodes: str) -> Any:
    """Return ``image`` in the orientation ``axcodes``, without a trace."""
    orientation = Orientation(axcodes=axcodes, labels=LABELS)
    with orientation.trace_transform(False):
        return orientation(image)


def _acquired_plane(affine: Tensor) -> str:
    """Return the axis codes of the plane whose slice axis is the source's third axis."""
    places, _ = _signed_axes(affine, "RAS")
    return next(codes for codes in PLANES.values() if codes[2] == "RAS"[places.index(2)])


def _signed_axes(affine: Tensor, axcodes: str) -> tuple[list[int], list[bool]]:
    """Return, for every axis of ``axcodes``, the axis of the source it comes from and whether it is flipped.

    A probe whose axes have different lengths asks MONAI, so that MONAI alone decides about oblique affines.
    """
    sizes = (2, 3, 4)
    probe = _oriented(MetaTensor(torch.arange(24).reshape(1, *sizes), affine=affine), axcodes)
    places = [sizes.index(size) for size in probe.shape[1:]]
    corner = torch.unravel_index(torch.as_tensor(int(probe.flatten()[0])), sizes)
    return places, [int(corner[place]) > 0 for place in places]


def _moved(image: Tensor, places: list[int]) -> Any:
    """Return ``image`` with its spatial axes in the order ``places``, and the matching affine."""
    out = image.permute(0, *(place + 1 for place in places))
    if isinstance(out, MetaTensor):
        out.affine = out.affine[:, torch.tensor([*places, 3])]
    return out
