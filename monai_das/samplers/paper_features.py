"""The light features of the paper as printed, with every choice that it leaves open as an argument."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_das.samplers.base import check_choice
from monai_das.samplers.features import between_variance, within_variance
from monai_das.samplers.selection import slice_mask


def sobel_magnitude(image: Tensor) -> Tensor:
    """Return the length of the Sobel gradient, ``(B, C, h - 2, w - 2, D)``, of ``(B, C, h, w, D)``."""
    across = image[:, :, :, 2:] - image[:, :, :, :-2]
    gx = across[:, :, 2:] + across[:, :, :-2] + 2.0 * across[:, :, 1:-1]
    down = image[:, :, 2:] - image[:, :, :-2]
    gy = down[:, :, :, 2:] + down[:, :, :, :-2] + 2.0 * down[:, :, :, 1:-1]
    return torch.sqrt(gx.square() + gy.square() + 1e-12)


def laplacian_magnitude(image: Tensor) -> Tensor:
    """Return the absolute Laplacian (4 neighbours), ``(B, C, h - 2, w - 2, D)``, of ``(B, C, h, w, D)``."""
    around = image[:, :, 2:, 1:-1] + image[:, :, :-2, 1:-1] + image[:, :, 1:-1, 2:] + image[:, :, 1:-1, :-2]
    return (around - 4.0 * image[:, :, 1:-1, 1:-1]).abs()


def real_mask(values: Tensor, lengths: Tensor) -> Tensor:
    """Return true for the real slices of ``values`` ``(B, D, F)``, as ``(B, D, 1)``."""
    return slice_mask(lengths, values.size(1))[:, :, None]


def zscored(values: Tensor, lengths: Tensor) -> Tensor:
    """Return ``values`` ``(B, D, F)`` with mean 0 and deviation 1 over the real slices, 0 for padded slices."""
    mask = real_mask(values, lengths)
    number = mask.sum(dim=1, keepdim=True)
    mean = values.masked_fill(~mask, 0.0).sum(dim=1, keepdim=True) / number
    centred = (values - mean).masked_fill(~mask, 0.0)
    spread = (centred.square().sum(dim=1, keepdim=True) / number + 1e-20).sqrt()
    return centred / (spread + 1e-5 * mean.abs())


def max_normalised(values: Tensor, lengths: Tensor) -> Tensor:
    """Return non-negative ``values`` ``(B, D, F)`` as shares of the largest of the real slices, 0 for padded slices."""
    mask = real_mask(values, lengths)
    shown = values.masked_fill(~mask, 0.0)
    return shown / shown.amax(dim=1, keepdim=True).clamp(min=1e-20)


class PaperFeatures(nn.Module):
    """Describe every slice by its variance and the magnitudes of its Sobel and Laplacian edges.

    Args:
        variance: ``"within"`` a slice over channels and pixels, or ``"between"`` a slice and its neighbours: the two
            summaries of the paper disagree.
        edges: how a map of edge magnitudes becomes one number: its ``"mean"``, its ``"max"``, or its ``"energy"``, the
            mean of its square. The paper does not say.
        normalise: ``"max"`` divides by the largest of the case, ``"zscore"`` gives mean 0 and deviation 1 over the
            slices of the case, ``"none"`` keeps units of intensity. The paper does not say.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``, h and w at least 3; ``lengths``: ``(B,)`` real slices.
        - returns ``(B, D, 3)``, the F of the paper (normalised, 0 for padded slices unless ``"none"``), and
          ``(B, D, 1)``, the variance in squared units of intensity.

    Raises:
        ValueError: a choice is not one of those above.

    Example:
        >>> PaperFeatures()(torch.rand(2, 1, 8, 8, 5), torch.tensor([5, 3]))[0].shape
        torch.Size([2, 5, 3])
    """

    def __init__(self, variance: str = "within", edges: str = "mean", normalise: str = "max") -> None:
        super().__init__()
        check_choice("variance", variance, ("within", "between"))
        check_choice("edges", edges, ("mean", "max", "energy"))
        check_choice("normalise", normalise, ("max", "zscore", "none"))
        self.variance: str = variance
        self.edges: str = edges
        self.normalise: str = normalise

    def forward(self, thumbnails: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features and the variance."""
        image = thumbnails.float()
        variance = within_variance(image) if self.variance == "within" else between_variance(image, lengths)
        edges = (self.reduced(sobel_magnitude(image)), self.reduced(laplacian_magnitude(image)))
        features = torch.stack((variance, edges[0], edges[1]), dim=2)
        if self.normalise == "max":
            features = max_normalised(features, lengths)
        elif self.normalise == "zscore":
            features = zscored(features, lengths)
        return features, variance[:, :, None]

    def reduced(self, edges: Tensor) -> Tensor:
        """Return one number per slice, ``(B, D)``, of a map of edge magnitudes ``(B, C, h, w, D)``."""
        if self.edges == "mean":
            return edges.mean(dim=(1, 2, 3))
        if self.edges == "max":
            return edges.amax(dim=(1, 2, 3))
        return edges.square().mean(dim=(1, 2, 3))
