"""Scale intensities as a bundle's contract says: by a fixed window, by percentiles, by their range, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.config.type_definitions import NdarrayOrTensor
from monai.transforms import MapTransform, ScaleIntensityRange, Transform
from monai.utils import TransformBackends, convert_to_tensor
from torch import Tensor

from monai_das.transforms.scale_intensity import DASScaleIntensity

SCALES = ("range", "window", "percentiles", "none")


class DASIntensity(Transform):
    """Scale an item ``(C, H, W, D)`` as ``contract.intensity`` of a bundle's metadata says.

    ``{"scale": "window", "low": -160, "high": 240}`` maps these two values, in the item's own units (HU for CT), to 0
    and 1 and cuts off what lies beyond; it is the same for every case. ``{"scale": "percentiles", "low": 1,
    "high": 99}`` does so with percentiles of the case's thumbnails, ``{"scale": "range"}`` with their smallest and
    largest value, see :class:`DASScaleIntensity`. ``{"scale": "none"}`` leaves values as they are.

    Cutting off and taking means do not commute. Place it behind the step that resizes slices to ``size`` pixels, so
    that it cuts off means in thumbnails, from which slices are chosen, and in slices alike.

    Args:
        intensity: as above.
        size: side of the thumbnails in pixels; use the network's.

    Raises:
        ValueError: ``intensity`` is none of these.

    Example:
        >>> import torch
        >>> scale = DASIntensity({"scale": "window", "low": 0, "high": 255})
        >>> round(float(scale(torch.full((1, 8, 8, 2), 51.0)).max()), 3)
        0.2
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - declared as MONAI declares it
    slicewise = True

    def __init__(self, intensity: Mapping[str, Any], size: int = 64) -> None:
        scale = intensity.get("scale")
        if scale not in SCALES:
            raise ValueError(f"intensity must have a scale of {', '.join(SCALES)}, got {dict(intensity)}")
        self.clip = scale == "percentiles"
        self.scale = _scale(str(scale), intensity, size)

    def __call__(self, img: NdarrayOrTensor) -> Tensor:
        """Return ``img`` ``(C, H, W, D)`` scaled, as float32."""
        scaled: Tensor = self.scale(img)
        return scaled.clamp(0.0, 1.0) if self.clip else scaled


class DASScaleIntensityd(MapTransform):
    """Dictionary form of :class:`DASScaleIntensity`; or with ``intensity`` of :class:`DASIntensity`."""

    backend = DASScaleIntensity.backend
    slicewise = True

    def __init__(
        self,
        keys: KeysCollection,
        size: int = 64,
        percentiles: tuple[float, float] | None = None,
        intensity: Mapping[str, Any] | None = None,
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if intensity is not None and percentiles is not None:
            raise ValueError("give percentiles or intensity, not both")
        self.size = size
        self.intensity = dict(intensity or _by_range(percentiles))
        self.scale = DASScaleIntensity(size, percentiles) if intensity is None else DASIntensity(intensity, size)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with every key scaled."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.scale(d[key])
        return d


def _by_range(percentiles: tuple[float, float] | None) -> dict[str, Any]:
    """Return what a contract says where no intensity is given."""
    if percentiles is None:
        return {"scale": "range"}
    return {"scale": "percentiles", "low": percentiles[0], "high": percentiles[1]}


def _scale(scale: str, intensity: Mapping[str, Any], size: int) -> Callable[[Any], Any]:
    """Return what scales an item, but for the cut at percentiles."""
    if scale == "range":
        return DASScaleIntensity(size)
    if scale == "none":
        return _as_float
    try:
        low, high = float(intensity["low"]), float(intensity["high"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"intensity of scale {scale} needs the numbers low and high, got {dict(intensity)}") from error
    if scale == "percentiles":
        return DASScaleIntensity(size, (low, high))
    if not low < high:
        raise ValueError(f"the window's low must be below its high, got {low} and {high}")
    return ScaleIntensityRange(low, high, 0.0, 1.0, clip=True)


def _as_float(img: NdarrayOrTensor) -> Tensor:
    tensor: Tensor = convert_to_tensor(img, track_meta=True)
    return tensor.float()
