"""Scale intensities to [0, 1] by the range of the thumbnails, which is known without reading every slice."""

from __future__ import annotations

import numpy as np
import torch
from monai.config.type_definitions import NdarrayOrTensor
from monai.data import MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import Transform
from monai.utils import TransformBackends, convert_to_tensor
from torch import Tensor

from monai_das.transforms.thumbnails import make_thumbnails

INTENSITY_RANGE = "intensity_range"


class DASScaleIntensity(Transform):
    """Scale an item ``(C, H, W, D)`` so that its thumbnails span [0, 1]; an item without contrast becomes 0.

    The range is the range of the thumbnails of all slices (:func:`make_thumbnails`), which a reader knows without
    decoding everything. ``meta["intensity_range"]`` replaces it if present, so that slices which are read one by one
    are scaled like the whole volume. The result's ``meta`` has the range there, as float32 ``(2,)`` in the item's own
    units. Values are not clipped: single pixels may lie outside [0, 1]. Without percentiles, their means over the
    blocks of a thumbnail do not, because scaling commutes with taking means. For slices of ``size`` pixels the
    transform equals ``monai.transforms.ScaleIntensity``.

    Args:
        size: side of the thumbnails in pixels; use the network's if slices are read one by one.
        percentiles: lower and upper, in [0, 100]; default: the minimum and maximum.

    Raises:
        ValueError: ``size`` or ``percentiles`` is out of range, or an item is not 4-D.

    Example:
        >>> float(DASScaleIntensity(size=8)(torch.arange(128.0).reshape(1, 8, 8, 2)).max())
        1.0
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - declared as MONAI declares it
    slicewise = True

    def __init__(self, size: int = 64, percentiles: tuple[float, float] | None = None) -> None:
        if size < 3:
            raise ValueError(f"thumbnails must be at least 3 pixels a side, got size={size}")
        if percentiles is not None and not 0 <= percentiles[0] < percentiles[1] <= 100:
            raise ValueError(f"percentiles must be two ascending numbers in [0, 100], got {percentiles}")
        self.size = size
        self.percentiles = None if percentiles is None else (percentiles[0], percentiles[1])

    def __call__(self, img: NdarrayOrTensor) -> Tensor:
        """Return ``img`` ``(C, H, W, D)`` scaled, as float32."""
        if len(img.shape) != 4:
            raise ValueError(f"an item must be (C, H, W, D), got {tuple(img.shape)}; add a channel axis: image[None]")
        image: Tensor = convert_to_tensor(img, dtype=torch.float32, track_meta=get_track_meta())
        known = image.meta.get(INTENSITY_RANGE) if isinstance(image, MetaTensor) else None
        span = self.range_of(image) if known is None else torch.as_tensor(known, dtype=torch.float32).cpu()
        low, high = (value.to(image.device) for value in span)
        out = (image - low) / (high - low) if bool(high != low) else torch.zeros_like(image)
        if isinstance(out, MetaTensor):
            out.meta[INTENSITY_RANGE] = span
        return out

    def range_of(self, image: Tensor) -> Tensor:
        """Return the lowest and highest value of the thumbnails of ``image`` ``(C, H, W, D)``, float32 ``(2,)``."""
        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        thumbnails = make_thumbnails(plain[None], self.size)
        if self.percentiles is None:
            return torch.stack([thumbnails.min(), thumbnails.max()]).cpu()
        return torch.as_tensor(np.percentile(thumbnails.cpu().numpy(), self.percentiles), dtype=torch.float32)
