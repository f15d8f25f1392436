"""Who a slice is in the file it comes from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class SliceRef:
    """One slice or frame of a source, found again in any viewer.

    Attributes:
        index: place in the source's own order, 0-based. For a DICOM series that is the order along the slice normal,
            for multi-frame volumes too; for a clip the order of time; for NIfTI the order of the third axis.
        sop_instance_uid: (0008,0018) of the DICOM object that holds the slice, None outside DICOM.
        frame: number of the frame in that object, 1-based as DICOM counts, None for single-frame objects.
        position_mm: centre of the slice's first voxel, in mm, in DICOM patient coordinates (LPS: x to the patient's
            left, y to the back, z to the head), None where there is no anatomy. For NIfTI (RAS) x and y are negated.
        time_ms: time since the first frame of a clip, in milliseconds, None where it is not known.

    Example:
        >>> SliceRef(0, sop_instance_uid="1.2.3", frame=1, time_ms=0.0).to_dict()["frame"]
        1
    """

    index: int
    sop_instance_uid: str | None = None
    frame: int | None = None
    position_mm: tuple[float, float, float] | None = None
    time_ms: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a dictionary that JSON can hold: the position is a list."""
        found = asdict(self)
        if self.position_mm is not None:
            found["position_mm"] = list(self.position_mm)
        return found
