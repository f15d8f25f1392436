"""Does a 3-D network take volumes of k slices? Asked by shapes alone, before any data."""

from __future__ import annotations

import warnings

import torch
from torch import nn
from torch.func import functional_call

from monai_das.networks.eval_view import eval_view

SIDE = 224
DEEPEST = 128


def check_depth(backbone: nn.Module, num_slices: int) -> None:
    """Raise ``ValueError`` if ``backbone`` takes deeper volumes, but not volumes of ``num_slices`` slices.

    The answer comes from a pass over shapes, on torch's meta device: no value is computed and nothing is drawn. A
    backbone whose input cannot be guessed (no 3-D convolution, slices of a fixed size) is let through.
    """
    channels = input_channels(backbone)
    if channels < 1 or takes(backbone, channels, num_slices) or not takes(backbone, channels, DEEPEST):
        return
    low, high = num_slices, DEEPEST  # does not take low, takes high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if takes(backbone, channels, middle) else (middle, high)
    raise ValueError(
        f"{type(backbone).__name__} cannot take volumes of num_slices={num_slices} slices, it takes {high}: some layer "
        f"shrinks the slice axis to nothing; give the sampler num_slices={high}, or take a network with fewer strides "
        "along the last axis, or DASSliceClassifier with a 2-D network"
    )


def input_channels(backbone: nn.Module) -> int:
    """Return the input channels of the first 3-D convolution; 0 if there is none."""
    return next((each.in_channels for each in backbone.modules() if isinstance(each, nn.Conv3d)), 0)


def takes(backbone: nn.Module, channels: int, depth: int) -> bool:
    """Tell whether ``backbone`` takes ``(2, channels, 224, 224, depth)``."""
    view = eval_view(backbone)
    tensors = {**dict(view.named_parameters()), **dict(view.named_buffers())}
    shapes = {name: each.detach().to("meta") for name, each in tensors.items()}
    volume = torch.empty(2, channels, SIDE, SIDE, depth, device="meta", dtype=next(iter(shapes.values())).dtype)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            functional_call(view, shapes, (volume,))
    except Exception:  # whatever a foreign network raises
        return False
    return True
