"""What a DICOM object states of an attribute: in its header, or in the functional groups of enhanced objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from monai_das.data.dicom.frames import functional_groups
from monai_das.data.dicom.headers import numbers, text

if TYPE_CHECKING:
    from pydicom import Dataset

NUMBER_KINDS = ("DS", "IS", "FD", "FL", "US", "SS", "UL", "SL", "UV", "SV")
TEXT_KINDS = ("CS", "SH", "LO")
# what enhanced MR objects have instead, in ms as well
ENHANCED = {"EchoTime": "EffectiveEchoTime", "InversionTime": "InversionTimes"}
# what they have instead of ScanningSequence, and its codes by their values
SCANNING = {
    "EchoPulseSequence": {"SPIN": ["SE"], "GRADIENT": ["GR"], "BOTH": ["SE", "GR"]},
    "InversionRecovery": {"YES": ["IR"], "NO": []},
    "EchoPlanarPulseSequence": {"YES": ["EP"], "NO": []},
}


def attribute_kind(keyword: str) -> str:
    """Return the value representation of the attribute ``keyword``, empty where the standard has none of this name."""
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(keyword)
    return "" if tag is None else dictionary_VR(tag)


def attribute_name(keyword: str) -> str:
    """Return ``keyword`` with its tag, as ``EchoTime (0018,0081)``."""
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword) or 0
    return f"{keyword} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def attribute_values(tags: Dataset, keyword: str, frame: int | None = None) -> tuple[str, list[float] | list[str]]:
    """Return the keyword under which ``tags`` state the attribute ``keyword``, and its values; none where they do not.

    The header comes first, then the functional groups of the frame, then the shared ones. Enhanced MR objects have
    EffectiveEchoTime instead of EchoTime, InversionTimes instead of InversionTime, and three attributes instead of
    ScanningSequence, from which its codes follow where all three are stated (DICOM PS3.3 C.8.3.1 and C.8.13).

    Args:
        tags: all of an object, without pixels.
        keyword: of an attribute of a kind in :data:`NUMBER_KINDS` or :data:`TEXT_KINDS`.
        frame: number of the frame, 1-based; None for an object of one.

    Raises:
        ValueError: what should be a number is none.
    """
    for name in filter(None, (keyword, ENHANCED.get(keyword))):
        for holder in _holders(tags, (frame or 1) - 1):
            found = _values(holder, name)
            if found:
                return name, found
    return keyword, _scanning_sequence(tags, frame) if keyword == "ScanningSequence" else []


def _values(holder: Dataset, keyword: str) -> list[float] | list[str]:
    if attribute_kind(keyword) in NUMBER_KINDS:
        return numbers(holder, keyword) or []
    return [part.strip() for part in (text(holder, keyword) or "").split("\\") if part.strip()]


def _scanning_sequence(tags: Dataset, frame: int | None) -> list[str]:
    stated = [attribute_values(tags, keyword, frame)[1] for keyword in SCANNING]
    codes = [known.get(str(*values[:1])) for known, values in zip(SCANNING.values(), stated, strict=True)]
    return [] if None in codes else [code for each in codes for code in each or ()]


def _holders(tags: Dataset, at: int) -> Iterator[Dataset]:
    """Yield what may hold an attribute of the 0-based frame ``at``."""
    yield tags
    for group in functional_groups(tags, at):
        for element in group:
            if element.VR == "SQ":
                yield from element.value
