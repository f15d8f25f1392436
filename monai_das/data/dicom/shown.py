"""How the header of a DICOM object wants its pixels shown: the window of grey values, and the shape of a pixel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_das.data.dicom.frames import frame_rescale, functional_groups
from monai_das.data.dicom.headers import NOT_A_NUMBER, ImageHeader, numbers
from monai_das.data.dicom.pixel_file import PixelFile
from monai_das.data.messages import StudyError

if TYPE_CHECKING:
    from pydicom import Dataset

EXACT = ("LINEAR_EXACT", "SIGMOID")


def header_window(tags: Dataset, frame: int | None = None) -> tuple[float, float] | None:
    """Return the lowest and highest value that the header shows apart, in the units of :meth:`SliceSource.read`.

    That is the first window of WindowCenter (0028,1050) and WindowWidth (0028,1051), or of the frame's functional
    groups, by DICOM PS3.3 C.11.2.1.2; a sigmoid is taken as the line through its middle. For MONOCHROME1 it is mirrored
    as the values are. None where there is none that has a width, or no numbers.

    Args:
        tags: of the object.
        frame: number of the frame, 1-based; None for an object of one.
    """
    at = (frame or 1) - 1
    try:
        for holder in _holders(tags, at):
            centre, width = (numbers(holder, keyword) for keyword in ("WindowCenter", "WindowWidth"))
            if centre and width:
                low, high = _mirrored(tags, at, _ends(centre[0], width[0], _is_exact(holder)))
                return (low, high) if high > low else None
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


def _is_exact(holder: Dataset) -> bool:
    return str(holder.get("VOILUTFunction") or "").strip().upper() in EXACT


def _ends(centre: float, width: float, exact: bool) -> tuple[float, float]:
    if exact:
        return centre - width / 2, centre + width / 2
    return centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2


def _mirrored(tags: Dataset, at: int, ends: tuple[float, float]) -> tuple[float, float]:
    header = ImageHeader(Path(), tags, 1, None)
    pixels = PixelFile(header)
    if pixels.photometric != "MONOCHROME1":
        return ends
    slope, intercept = frame_rescale(header, at)
    # stored values s became last - s, before slope and intercept
    last = -1 if pixels.signed else 2 ** pixels.bits[1] - 1
    whole = slope * last + 2 * intercept
    return whole - ends[1], whole - ends[0]
