"""Cheap numbers that describe every slice: variance, Sobel and Laplacian energy."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_das.samplers.base import check_thumbnails


def slice_moments(thumbnails: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each slice over channels and pixels, both ``(B, D)``, of ``(B, C, h, w, D)``.

    Two passes (mean first), so that an offset such as that of CT costs no digits; ``Tensor.var`` is 20 times slower.
    No gradient flows to the pixels, here and in all handcrafted features: that allows arithmetic in place.
    """
    with torch.no_grad():
        pixels = thumbnails.float().flatten(1, 3)
        mean = pixels.mean(dim=1, keepdim=True)
        return mean[:, 0], (pixels - mean).square_().mean(dim=1)


def within_variance(thumbnails: Tensor) -> Tensor:
    """Return the variance of each slice, ``(B, D)``, see :func:`slice_moments`."""
    return slice_moments(thumbnails)[1]


def between_variance(thumbnails: Tensor, lengths: Tensor) -> Tensor:
    """Return how much each slice differs from its neighbours, ``(B, D)``: the mean squared difference to them.

    A single slice has no neighbour and gets 0. ``lengths`` ``(B,)`` keeps padded slices out.
    """
    image = thumbnails.float()
    steps = (image[..., 1:] - image[..., :-1]).square().mean(dim=(1, 2, 3))
    real = torch.arange(1, image.size(4), device=image.device)[None, :] < lengths[:, None]
    steps = steps * real
    before = functional.pad(steps, (1, 0))
    after = functional.pad(steps, (0, 1))
    neighbours = functional.pad(real.float(), (1, 0)) + functional.pad(real.float(), (0, 1))
    return (before + after) / neighbours.clamp(min=1.0)


def pooled(image: Tensor, factor: int) -> Tensor:
    """Return ``image`` ``(B, C, h, w, D)`` averaged over blocks of ``factor`` x ``factor`` pixels."""
    height, width = image.size(2) // factor * factor, image.size(3) // factor * factor
    rows = image[:, :, 0:height:factor]
    for i in range(1, factor):
        rows = rows + image[:, :, i:height:factor]
    total = rows[:, :, :, 0:width:factor]
    for i in range(1, factor):
        total = total + rows[:, :, :, i:width:factor]
    return total.div_(float(factor * factor))


def on_grid(image: Tensor, grid: int = 32) -> Tensor:
    """Return ``image`` ``(B, C, h, w, D)`` block-averaged to about ``grid`` pixels a side; smaller images stay."""
    factor = max(1, min(image.size(2), image.size(3)) // grid)
    return pooled(image, factor) if factor > 1 else image


def edge_energies(image: Tensor, step: int = 1) -> tuple[Tensor, Tensor]:
    """Return the mean squared Sobel gradient and Laplacian (4 neighbours) of each slice, two ``(B, D)``.

    ``image`` is ``(B, C, h, w, D)``. Both are taken at every ``step``-th pixel of both axes, at full resolution, and
    share the sums over rows.
    """
    above, here, below = image[:, :, :-2:step], image[:, :, 1:-1:step], image[:, :, 2::step]
    beside, down = above + below, below - above
    smooth = torch.add(beside, here, alpha=2.0)
    across = smooth[:, :, :, 2::step] - smooth[:, :, :, :-2:step]
    along = (down[:, :, :, 2::step] + down[:, :, :, :-2:step]).add_(down[:, :, :, 1:-1:step], alpha=2.0)
    around = (here[:, :, :, 2::step] + here[:, :, :, :-2:step]).add_(beside[:, :, :, 1:-1:step])
    around = around.sub_(here[:, :, :, 1:-1:step], alpha=4.0)
    gradient = across.square_().addcmul_(along, along)
    return gradient.mean(dim=(1, 2, 3)), around.square_().mean(dim=(1, 2, 3))


def exporting() -> bool:
    """Tell whether ``torch.export`` is tracing, which cannot loop over a batch of unknown size."""
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        return bool(torch.compiler.is_compiling())
    return False


class SliceFeatures(nn.Module):
    """Describe every slice by three cheap numbers: variance, Sobel and Laplacian energy.

    Nothing is trained; all arithmetic is in float32, also under autocast and for half-precision input. All three are
    taken on the grid of :func:`on_grid`, which reads the pixels once and reduces their noise.

    Args:
        variance: ``"within"`` a slice over its pixels, or ``"between"`` a slice and its neighbours along D. The
            sources of the paper disagree; within suits anatomy, between suits time.
        step: edges are taken at every ``step``-th pixel of the grid, along both axes.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``, float, h and w at least 3; ``lengths``: ``(B,)`` real slices.
        - returns ``(B, 3, D)``, all three in squared units of the input intensity, taken on the pixel grid
          (spacing is ignored).

    Raises:
        ValueError: ``variance`` is neither of the two, or ``thumbnails`` is not 5-D or smaller than the kernels.

    References:
        Shankaranarayana et al., *Deep Attention-guided Adaptive Subsampling*, 2025, arXiv 2510.12376.

    Example:
        >>> import torch
        >>> SliceFeatures()(torch.rand(2, 1, 64, 64, 32), torch.tensor([32, 20])).shape
        torch.Size([2, 3, 32])
    """

    def __init__(self, variance: str = "within", step: int = 2) -> None:
        super().__init__()
        if variance not in ("within", "between"):
            raise ValueError(f"variance must be 'within' or 'between', got {variance!r}")
        self.between: bool = variance == "between"
        self.step: int = step

    def forward(self, thumbnails: Tensor, lengths: Tensor) -> Tensor:
        """Return variance, Sobel energy and Laplacian energy of each slice."""
        check_thumbnails(thumbnails)
        small = on_grid(thumbnails.float())
        return self.describe(small, within_variance(small), lengths)

    def describe(self, small: Tensor, variance: Tensor, lengths: Tensor) -> Tensor:
        """Do the work of ``forward`` on the grid, where the variance within slices is known already."""
        with torch.no_grad():
            energy = between_variance(small, lengths) if self.between else variance
            gradient, laplacian = edge_energies(small, self.step)
            return torch.stack((energy, gradient, laplacian), dim=1)
