"""Where in the chosen slices a network looked: MONAI's GradCAM, slice by slice."""

from __future__ import annotations

import copy
from typing import NamedTuple, Optional

import torch
from monai.visualize import GradCAM
from torch import Tensor, nn

from monai_das.networks.base import DASNetwork, plain
from monai_das.networks.slice_classifier import DASSliceClassifier
from monai_das.samplers import Selection, take_slices


class SliceCAM(NamedTuple):
    """Maps of the chosen slices, and which slices these are.

    Attributes:
        maps: ``(B, 1, H, W, k)`` float32 in [0, 1], 1 where the network looked most in the case, so that
            slices of one case compare; zeros in rows that are not kept.
        selection: the :class:`~monai_das.samplers.Selection`; ``maps[b, ..., j]`` belongs to slice ``indices[b, j]``.
    """

    maps: Tensor
    selection: Selection


def slice_cam(
    network: DASNetwork,
    volume: Tensor,
    target_layer: str,
    *,
    class_idx: int | None = None,
    lengths: Optional[Tensor] = None,
) -> SliceCAM:
    """Return MONAI's GradCAM of the chosen slices, at the size of ``volume``.

    It works on a copy: ``network`` stays as it is. With ``average_flips``, the slices as they are are
    shown, not their flips.

    Args:
        network: a network on slices or on shortened volumes.
        volume: ``(B, C, H, W, D)``.
        target_layer: name of a layer in the backbone, such as ``"layer4"`` of a ResNet.
        class_idx: the class to explain; the predicted one by default.
        lengths: ``(B,)``, as the network takes them.

    Raises:
        ValueError: the backbone has no such layer; and as the network.

    Example:
        >>> from monai.networks.nets import resnet10
        >>> from monai_das.samplers import DASSampler
        >>> backbone = resnet10(spatial_dims=2, n_input_channels=1, feed_forward=False)
        >>> network = DASSliceClassifier(DASSampler(num_slices=4), backbone, num_classes=2, num_features=512)
        >>> maps, selection = slice_cam(network, torch.rand(1, 1, 48, 40, 30), "layer4")
        >>> maps.shape, selection.indices.shape
        (torch.Size([1, 1, 48, 40, 4]), torch.Size([1, 4]))
    """
    layers = [name[9:] for name, _ in network.named_modules() if name.startswith("backbone.")]
    if target_layer not in layers:
        last = [name for name in layers if "." not in name]
        raise ValueError(
            f"the backbone has no layer {target_layer!r}; it has {', '.join(last)}, and layers inside these"
        )
    # a copy: GradCAM leaves its hooks in a network, and gradients in its parameters
    view, image = copy.deepcopy(network).eval(), plain(volume).float()
    with torch.no_grad():
        selection = view.score(view.thumbnails(image), lengths)
    slices = take_slices(image, selection).detach()
    maps = [
        _case(view, slices[case : case + 1], _one(selection, case), f"network.backbone.{target_layer}", class_idx)
        for case in range(image.size(0))
    ]
    kept = torch.cat(maps) * selection.kept[:, None, None, None, :]
    return SliceCAM(kept / kept.amax(dim=(1, 2, 3, 4), keepdim=True).clamp(min=1e-12), selection)


def _one(selection: Selection, case: int) -> Selection:
    return Selection(*(field[case : case + 1] for field in selection))


def _case(network: DASNetwork, slices: Tensor, selection: Selection, layer: str, class_idx: int | None) -> Tensor:
    """Return the maps ``(1, 1, H, W, k)`` of one case."""
    with torch.enable_grad():
        if isinstance(network, DASSliceClassifier):
            images = slices[0].permute(3, 0, 1, 2)
            cam = GradCAM(_OfImages(network, selection), layer, postprocessing=_as_it_is)(
                images.requires_grad_(), class_idx
            )
            return torch.as_tensor(cam).detach().permute(1, 2, 3, 0)[None]
        cam = GradCAM(_OfVolume(network, selection), layer, postprocessing=_as_it_is)(
            slices.requires_grad_(), class_idx
        )
    return torch.as_tensor(cam).detach()


def _as_it_is(maps: Tensor) -> Tensor:
    """Keep MONAI from its own scaling, which turns maps upside down and scales each slice by itself."""
    return maps


class _OfImages(nn.Module):
    """Logits ``(1, K)`` of the slices of one case, given as images ``(k, C, H, W)``, as GradCAM wants them."""

    def __init__(self, network: DASSliceClassifier, selection: Selection) -> None:
        super().__init__()
        self.network = network
        self.chosen = selection

    def forward(self, images: Tensor) -> Tensor:
        features = self.network.features_of(images.permute(1, 2, 3, 0)[None], self.chosen)
        return self.network.conclude(features, self.chosen)


class _OfVolume(nn.Module):
    """Logits ``(1, K)`` of the shortened volume ``(1, C, H, W, k)``."""

    def __init__(self, network: DASNetwork, selection: Selection) -> None:
        super().__init__()
        self.network = network
        self.chosen = selection

    def forward(self, slices: Tensor) -> Tensor:
        return self.network.classify(slices, self.chosen)
