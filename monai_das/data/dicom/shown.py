"""How the header of a DICOM object wants its pixels shown: the window of grey values, and the shape of a pixel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from monai_das.data.dicom.frames import frame_rescale, functional_groups
from monai_das.data.dicom.headers import NOT_A_NUMBER, ImageHeader, numbers
from monai_das.data.dicom.pixel_file import PixelFile
from monai_das.data.messages import StudyError

if TYPE_CHECKING:
    from pydicom import Dataset

SIGMOID = "SIGMOID"
EXACT = ("LINEAR_EXACT", SIGMOID)
# of a window are drawn apart by a curve: itself, and as much below and above
CURVE_WIDTHS, CURVE_STEPS = 3, 256


class HeaderWindow(NamedTuple):
    """The lowest and highest value that a header shows apart, and how those between are shown.

    ``curve`` is empty where that is a line. Else it has 769 shades from 0 to 1, for values that are equally spaced from
    one width of the window below ``low`` to one above ``high``.
    """

    low: float
    high: float
    curve: tuple[float, ...] = ()


def header_window(tags: Dataset, frame: int | None = None) -> HeaderWindow | None:
    """Return the window that the header asks for, in the units of :meth:`SliceSource.read`.

    That is the first table of VOILUTSequence (0028,3010), else the first window of WindowCenter (0028,1050) and
    WindowWidth (0028,1051) by VOILUTFunction (0028,1056) and DICOM PS3.3 C.11.2.1.2; of the frame's functional groups
    before the object's own. For MONOCHROME1 it is mirrored as the values are. None where there is none that has a
    width, or no numbers.

    Args:
        tags: of the object.
        frame: number of the frame, 1-based; None for an object of one.
    """
    at = (frame or 1) - 1
    try:
        for holder in _holders(tags, at):
            found = _of_table(tags, holder) or _of_numbers(holder)
            if found is not None:
                return _mirrored(tags, at, found) if found.high > found.low else None
    except (StudyError, *NOT_A_NUMBER):
        pass  # a picture can be drawn without
    return None


def pixel_aspect(tags: Dataset) -> float:
    """Return the height of a pixel divided by its width, by PixelAspectRatio or PixelSpacing; 1 where both lack."""
    for keyword in ("PixelAspectRatio", "PixelSpacing"):
        try:
            found = numbers(tags, keyword)
        except NOT_A_NUMBER:
            continue
        if found and len(found) == 2 and min(found) > 0:
            return found[0] / found[1]
    return 1.0


def _holders(tags: Dataset, at: int) -> list[Any]:
    """Return what may hold the window of the 0-based frame ``at``, its own first."""
    groups = functional_groups(tags, at)
    return [*(item for group in groups for item in group.get("FrameVOILUTSequence") or ()), tags]


def _of_table(tags: Dataset, holder: Dataset) -> HeaderWindow | None:
    """Return the window from the first to the last value at which the VOI LUT changes."""
    from pydicom.pixels.processing import apply_voi

    try:
        entries, first, bits = holder["VOILUTSequence"][0].LUTDescriptor
        shades = apply_voi(np.arange(first, first + (entries or 1 << 16)), holder) / (2.0**bits - 1.0)
    except (KeyError, IndexError, AttributeError, NotImplementedError, *NOT_A_NUMBER):
        return None  # none, or one that cannot be read: the numbers count
    # US where SS is meant, as in files of implicit VR
    first -= 1 << 16 if tags.get("PixelRepresentation") == 1 and first >= 1 << 15 else 0
    changes = np.flatnonzero(np.diff(shades))
    if not changes.size:
        return None
    low, high = first + int(changes[0]), first + int(changes[-1]) + 1
    curve = np.interp(_curve_places() * (high - low) + low, first + np.arange(len(shades)), shades)
    return HeaderWindow(low, high, tuple(curve.tolist()))


def _of_numbers(holder: Dataset) -> HeaderWindow | None:
    centre, width = (numbers(holder, keyword) for keyword in ("WindowCenter", "WindowWidth"))
    if not (centre and width):
        return None
    function = str(holder.get("VOILUTFunction") or "").strip().upper()
    curve = 1 / (1 + np.exp(-4 * (_curve_places() - 0.5))) if function == SIGMOID else np.empty(0)
    return HeaderWindow(*_ends(centre[0], width[0], function in EXACT), tuple(curve.tolist()))


def _curve_places() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return where the curve is known, as parts of the window's width above its lower end."""
    return np.linspace(-1, CURVE_WIDTHS - 1, CURVE_WIDTHS * CURVE_STEPS + 1)


def _ends(centre: float, width: float, exact: bool) -> tuple[float, float]:
    if exact:
        return centre - width / 2, centre + width / 2
    return centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2


def _mirrored(tags: Dataset, at: int, window: HeaderWindow) -> HeaderWindow:
    header = ImageHeader(Path(), tags, 1, None)
    pixels = PixelFile(header)
    if pixels.photometric != "MONOCHROME1":
        return window
    slope, intercept = frame_rescale(header, at)
    # stored values s became last - s, before slope and intercept
    last = -1 if pixels.signed else 2 ** pixels.bits[1] - 1
    whole = slope * last + 2 * intercept
    return HeaderWindow(whole - window.high, whole - window.low, tuple(1 - shade for shade in reversed(window.curve)))
