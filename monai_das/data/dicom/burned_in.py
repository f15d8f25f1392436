"""Text burned into pixels: what lies outside the declared ultrasound regions is blacked out, or warned of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom import Dataset

# storage classes whose pixels are a machine's whole screen; retired ones too
SCREENS = (
    "1.2.840.10008.5.1.4.1.1.3",
    "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.6",
    "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.7.1",
    "1.2.840.10008.5.1.4.1.1.7.2",
    "1.2.840.10008.5.1.4.1.1.7.3",
    "1.2.840.10008.5.1.4.1.1.7.4",
)
CORNERS = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")


def may_hold_text(header: Dataset) -> bool:
    """Say whether text may be burned into the pixels of a DICOM object.

    BurnedInAnnotation (0028,0301) decides; where it is absent, ultrasound and secondary captures may hold text.
    """
    said = str(header.get("BurnedInAnnotation") or "").strip().upper()
    return said != "NO" and (said == "YES" or str(header.get("SOPClassUID")) in SCREENS)


def region_mask(header: Dataset) -> NDArray[np.bool_] | None:
    """Return the pixels inside SequenceOfUltrasoundRegions (0018,6011), ``(columns, rows)``.

    None where nothing is masked: no text may be burned in, no region is declared, or a region reaches beyond the
    picture, as in a clip that was made smaller later. In that case no region can be trusted.
    """
    if not may_hold_text(header):
        return None
    inside = np.zeros((int(header.Columns), int(header.Rows)), dtype=np.bool_)
    for region in header.get("SequenceOfUltrasoundRegions") or ():
        if any(keyword not in region for keyword in CORNERS):
            return None
        # both corners belong to the region
        left, top, right, bottom = (int(region[keyword].value) for keyword in CORNERS)
        if right > inside.shape[0] or bottom > inside.shape[1]:
            return None
        inside[left : right + 1, top : bottom + 1] = True
    return inside if bool(inside.any()) else None


def without_text(values: NDArray[Any], headers: Sequence[Dataset]) -> NDArray[Any]:
    """Return ``values`` with 0 outside the declared regions, or unchanged where there is nothing to mask.

    Args:
        values: ``(C, columns, rows, D)``.
        headers: the header of each slice, or one header of the object that holds all slices.
    """
    masks = [region_mask(header) for header in headers]
    if all(mask is None for mask in masks):
        return values
    everything = np.ones(values.shape[1:3], dtype=np.bool_)
    inside = np.stack([everything if mask is None else mask for mask in masks], axis=-1)
    return np.where(inside[None], values, np.zeros((), values.dtype))


def text_warnings(headers: Sequence[Dataset]) -> tuple[str, ...]:
    """Return the warnings where burned-in text is possible and cannot be masked; empty where all is well."""
    for header in headers:
        if may_hold_text(header) and region_mask(header) is None:
            said = "YES" if header.get("BurnedInAnnotation") else "absent"
            regions = "do not fit the picture" if header.get("SequenceOfUltrasoundRegions") else "are not declared"
            return (
                f"the pixels may hold burned-in text: BurnedInAnnotation (0028,0301) is {said} and ultrasound regions "
                f"(0018,6011) {regions}, so nothing was masked; look at the pictures before you share them",
            )
    return ()
