"""What the network saw of a case, as pictures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_das.inference.case_result import NetworkView
from monai_das.inference.hanging import Hanging


def network_view(slices: Tensor, overview: Tensor, affine: NDArray[np.float64], has_anatomy: bool) -> NetworkView:
    """Return the preprocessed ``slices`` ``(C, H, W, n)`` upright, as bytes.

    Black and white are the lowest and highest value of ``slices`` and ``overview``, all slices small ``(C, h, w, D)``.
    3 channels are taken as RGB, otherwise the mean of the channels is shown. ``affine`` is that of ``slices``; without
    anatomy only its voxel sizes count.
    """
    columns, rows = np.linalg.norm(affine[:3, :2], axis=0)
    hanging = Hanging.of(affine if has_anatomy else None, float(rows / columns))
    large, small = _shades(slices), _shades(overview)
    low, high = min(large.min(), small.min()), max(large.max(), small.max())
    scaled = (hanging(large) - low) * (255.0 / float(high - low) if high > low else 0.0)
    shown = scaled.permute(3, 1, 2, 0).round().clamp(0, 255).to(torch.uint8).contiguous()
    return NetworkView((shown if shown.size(3) == 3 else shown[..., 0]).numpy(), hanging.pixel_aspect)


def _shades(image: Tensor) -> Tensor:
    return image.float() if image.size(0) == 3 else image.float().mean(dim=0, keepdim=True)
