"""Where the frames of multi-frame objects lie that say so outside functional groups: nuclear medicine and dose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from monai_das.data.dicom.geometry import IOP, IPP, PIXEL_SPACING, Plane
from monai_das.data.dicom.headers import ImageHeader, item_numbers
from monai_das.data.messages import Finding, StudyError

if TYPE_CHECKING:
    from pydicom import Dataset

OFFSETS = "GridFrameOffsetVector (3004,000C)"
STEP = "SpacingBetweenSlices (0018,0088)"
# of clips, whose frames are moments: they have the first of these without meaning a volume
GEOMETRY = {
    "PixelSpacing": PIXEL_SPACING,
    "ImagePositionPatient": IPP,
    "ImageOrientationPatient": IOP,
    "SpacingBetweenSlices": STEP,
    "SliceLocationVector": "SliceLocationVector (0018,2005)",
    "GridFrameOffsetVector": OFFSETS,
}
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def tagged_planes(header: ImageHeader) -> list[Plane] | None:
    """Return where every frame lies by tags outside functional groups, or None where they do not say it.

    An RT dose has GridFrameOffsetVector, the distance of every frame from the first. A reconstructed NM object has its
    position and orientation in DetectorInformationSequence, SpacingBetweenSlices along the normal (negative ones lead
    the other way), and may have SliceVector, the number of the slice of every frame. See DICOM PS3.3, C.8.8.3.2 and
    C.8.4.15.

    Raises:
        ValueError: there are not as many distances or numbers as frames.
    """
    offsets = header.number_list("GridFrameOffsetVector")
    if offsets is not None:
        _check_count(header, offsets, OFFSETS)
        # the first is 0, or the place of the first frame itself
        return _planes(header, header.tags, [offset - offsets[0] for offset in offsets])
    step = header.number_list("SpacingBetweenSlices")
    detector = next(iter(header.items("DetectorInformationSequence")), None)
    kind = (header.text("ImageType") or "").split("\\")
    if step is None or detector is None or not any(word.startswith("RECON") for word in kind):
        return None
    numbers = header.number_list("SliceVector") or [float(number) for number in range(1, header.frames + 1)]
    _check_count(header, numbers, "SliceVector (0054,0080)")
    return _planes(header, detector, [(number - 1) * step[0] for number in numbers])


def unread_geometry(header: ImageHeader) -> tuple[Finding, ...]:
    """Return what to say of geometry in ``header`` that is not read, as the frames count as moments."""
    found = [name for keyword, name in GEOMETRY.items() if header.number_list(keyword) is not None]
    capture = (header.text("SOPClassUID") or "").startswith(f"{SECONDARY_CAPTURE}.")
    if not found or (found == [PIXEL_SPACING] and not capture):
        return ()
    words = f"{', '.join(found)} of several frames outside functional groups is not read: frames are taken as a clip"
    return (Finding(words),)


def _planes(header: ImageHeader, holder: Dataset, offsets: Sequence[float]) -> list[Plane] | None:
    position, orientation = (
        item_numbers(holder, keyword, header.path) for keyword in ("ImagePositionPatient", "ImageOrientationPatient")
    )
    spacing = header.number_list("PixelSpacing")
    if position is None or orientation is None or spacing is None or (len(position), len(orientation)) != (3, 6):
        return None
    first = Plane("frame 1", tuple(position), tuple(orientation), tuple(spacing))  # type: ignore[arg-type]
    if not np.linalg.norm(np.cross(orientation[:3], orientation[3:])) > 0:
        return [first] * header.frames  # whoever checks them says what is wrong
    places = np.array(position) + np.outer(offsets, first.normal)
    return [
        Plane(f"frame {number}", (float(x), float(y), float(z)), first.orientation, first.spacing)
        for number, (x, y, z) in enumerate(places, start=1)
    ]


def _check_count(header: ImageHeader, values: Sequence[float], name: str) -> None:
    if len(values) != header.frames:
        raise StudyError(header.path, f"{header.frames} frames, but {len(values)} numbers in {name}; repair the header")
