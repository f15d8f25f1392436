"""Which kinds of values an image holds: a mask, Hounsfield units, 8-bit grey or magnitudes."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import avg_pool2d

# of the range of values. In thumbnails of a mask only pixels at its edges lie between the two values
BETWEEN = 0.004
# of what was compressed with loss, and of coarse levels of a wavelet, which overshoot at edges
LOSSY = 0.15
# the share of pixels of a mask that may lie between its values with all eight neighbours
INSIDE = 0.01
LOWEST_HU, HIGHEST_HU = -3100.0, 33000.0
AIR_HU = -900.0
OTHER = "other"
NAMES = {
    "mask": "a mask of two values",
    "hu": "Hounsfield units",
    "grey8": "8-bit grey, 0 to 255",
    "magnitude": "magnitudes, 0 and above",
}


def kinds_of(thumbnails: Tensor, exact: bool = True) -> frozenset[str]:
    """Return the kinds of values that ``thumbnails`` may be of, none for an image without contrast.

    A mask holds two values: in its thumbnails, other values lie only where a pixel covers an edge, beside pixels of
    either value. Hounsfield units go below 0, as fat and air do.

    Args:
        thumbnails: ``(C, h, w, D)``, before intensities are scaled.
        exact: whether they equal those of lossless slices.

    Example:
        >>> import torch
        >>> ramp = torch.linspace(-1000, 2000, 16 * 16).reshape(1, 16, 16, 1)
        >>> sorted(kinds_of(ramp)), sorted(kinds_of((ramp > 0) * 1000.0)), sorted(kinds_of(ramp.abs()))
        (['hu'], ['mask'], ['magnitude'])
    """
    low, high = float(thumbnails.min()), float(thumbnails.max())
    if not low < high:
        return frozenset()
    if _is_mask(thumbnails, low, high, BETWEEN if exact else LOSSY):
        return frozenset({"mask"})
    tolerance = 0.5 if exact else LOSSY * (high - low)
    found = set()
    if LOWEST_HU - tolerance <= low < 0.0 and high <= HIGHEST_HU + tolerance:
        found.add("hu")
    if low >= -tolerance:
        found.add("magnitude")
        if 1.0 < high <= 255.0 + tolerance:
            found.add("grey8")
    return frozenset(found)


def likely_kind(image: Tensor, modality: str = "", clip: bool = False, exact: bool = True) -> str:
    """Return the one of :func:`kinds_of` that an image most likely is; empty where it has no contrast, else ``OTHER``.

    Args:
        image: ``(C, h, w, D)``, slices or their thumbnails.
        modality: DICOM code of Modality, empty where it is not known. Without it, values down to those of air are HU.
        clip: whether the slices are frames.
        exact: see :func:`kinds_of`.

    Example:
        >>> import torch
        >>> grey = torch.linspace(0, 255, 16 * 16).reshape(1, 16, 16, 1)
        >>> likely_kind(grey, "MR"), likely_kind(grey, "US"), likely_kind(grey - 1024), likely_kind(grey - 50, "MR")
        ('magnitude', 'grey8', 'hu', 'other')
    """
    if not float(image.min()) < float(image.max()):
        return ""
    wanted = ["mask"]
    wanted += ["grey8"] if clip or modality == "US" else []
    wanted += ["hu"] if modality == "CT" or (not modality and float(image.min()) <= AIR_HU) else []
    found = kinds_of(image, exact)
    return next((kind for kind in (*wanted, "magnitude") if kind in found), OTHER)


def _is_mask(thumbnails: Tensor, low: float, high: float, tolerance: float) -> bool:
    shares = ((thumbnails - low) / (high - low)).permute(3, 0, 1, 2)
    between = ((shares > tolerance) & (shares < 1.0 - tolerance)).float()
    inside = avg_pool2d(between, 3, stride=1) > 1.0 - 1e-3
    filled = float((shares > tolerance).float().sum())
    return float(inside.float().sum()) <= INSIDE * filled


def described(thumbnails: Tensor) -> str:
    """Return range and kind of the values of ``thumbnails`` in words."""
    low, high = float(thumbnails.min()), float(thumbnails.max())
    if low == high:
        return f"{low:g} everywhere"
    kinds = kinds_of(thumbnails)
    return f"{low:.4g} to {high:.4g}, {'two values' if 'mask' in kinds else 'many values'}"
