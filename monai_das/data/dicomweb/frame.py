"""One frame of a multi-frame object, as a server sent it, becomes a DICOM file of one frame."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das.data.dicom import ImageHeader, frame_rescale

if TYPE_CHECKING:
    from pydicom import Dataset

# what decoding needs: no patient, no study
PIXEL_GROUP = 0x0028
KEYWORDS = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "ImageType")


def write_frame(path: Path, header: Dataset, number: int, pixels: bytes, syntax: str) -> Path:
    """Write frame ``number`` (1-based) of the object with ``header`` to ``path``, and return ``path``.

    Args:
        path: the file to write.
        header: the metadata of the object.
        number: which frame it is, for its own slope and intercept.
        pixels: the frame, in transfer syntax ``syntax``.
        syntax: UID of a transfer syntax.
    """
    from pydicom import Dataset
    from pydicom.dataelem import DataElement
    from pydicom.dataset import FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID
    from pydicom.valuerep import DSfloat

    found = Dataset()
    for element in header:
        if element.tag.group == PIXEL_GROUP or element.keyword in KEYWORDS:
            # a copy: what is set below must not change the header
            found.add(copy(element))
    found.NumberOfFrames = 1
    # the frame's own, out of the functional groups
    slope, intercept = frame_rescale(ImageHeader(path, header, 1, None), number - 1)
    found.RescaleSlope, found.RescaleIntercept = (DSfloat(value, auto_format=True) for value in (slope, intercept))
    encapsulated = UID(syntax).is_encapsulated
    value = encapsulate([pixels]) if encapsulated else pixels + b"\0" * (len(pixels) % 2)
    wide = not encapsulated and int(header.BitsAllocated) > 8
    found.add(DataElement(0x7FE00010, "OW" if wide else "OB", value))
    found["PixelData"].is_undefined_length = encapsulated
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = UID(syntax)
    found.save_as(path, enforce_file_format=True)
    return path
