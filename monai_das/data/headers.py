"""Read the headers of DICOM images, and tell images from everything else that lies in a folder."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_das.data.header_scan import pixels_after, scanned_header

if TYPE_CHECKING:
    from pydicom import Dataset

DEFLATED = "1.2.840.10008.1.2.1.99"
# what is read of a header at once; Dataset.get answers None for all others
KEYWORDS = [
    "ImageType",
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "SeriesDescription",
    "Modality",
    "SliceThickness",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "EchoNumbers",
    "EchoTime",
    "TemporalPositionIdentifier",
    "AcquisitionNumber",
    "TriggerTime",
    "InversionTime",
    "DiffusionBValue",
    "AcquisitionTime",
    "ContentTime",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "RescaleIntercept",
    "RescaleSlope",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "BurnedInAnnotation",
    "SequenceOfUltrasoundRegions",
]


@dataclass(frozen=True, eq=False)
class ImageHeader:
    """The header of one DICOM image.

    Attributes:
        path: its file.
        tags: those that say where the image lies and how its pixels are stored; not all that the file has.
        frames: their number.
        pixels_at: offset of the value of PixelData in the file; None where only a full reader finds the pixels.
    """

    path: Path
    tags: Dataset
    frames: int
    pixels_at: int | None

    def number_list(self, keyword: str) -> list[float] | None:
        """Return the numbers of the tag ``keyword``, or None where it is missing or empty."""
        return numbers(self.tags, keyword)

    def number(self, keyword: str, default: float) -> float:
        """Return the first number of the tag ``keyword``, or ``default``."""
        return (numbers(self.tags, keyword) or [default])[0]

    def text(self, keyword: str) -> str | None:
        """Return the tag ``keyword`` as text, several values joined by a backslash; None where it is missing."""
        return text(self.tags, keyword)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.number("Rows", 0)), int(self.number("Columns", 0))


def numbers(tags: Dataset, keyword: str) -> list[float] | None:
    """Return the numbers of the tag ``keyword`` as a list, or None where it is missing or empty.

    What is text or short integers in the file is read from there: pydicom's own numbers are slow to make.
    """
    tag, kind = _tag_and_kind(keyword)
    element: Any = tags.get_item(tag) if tag in tags else None
    raw = getattr(element, "value", None)
    if isinstance(raw, bytes) and kind in ("DS", "IS"):
        return [float(part) for part in raw.strip(b"\0 ").split(b"\\")] if raw.strip(b"\0 ") else None
    if isinstance(raw, bytes) and kind == "US" and element.is_little_endian:
        return list(struct.unpack(f"<{len(raw) // 2}H", raw)) or None
    value: Any = tags.get(keyword)
    if value is None or value == "":
        return None
    values = list(value) if isinstance(value, (list, tuple)) or hasattr(value, "__iter__") else [value]
    return [float(one) for one in values] or None


def text(tags: Dataset, keyword: str) -> str | None:
    """Return the tag ``keyword`` as text, several values joined by a backslash; None where it is missing."""
    tag, kind = _tag_and_kind(keyword)
    raw = getattr(tags.get_item(tag), "value", None) if tag in tags else None
    if isinstance(raw, bytes) and kind in ("UI", "CS") and raw:
        return raw.decode("latin-1").strip("\0 ")
    value = tags.get(keyword)
    if value is None or isinstance(value, str) or not hasattr(value, "__iter__"):
        return None if value is None else str(value)
    return "\\".join(str(one) for one in value)


@cache
def _tag_and_kind(keyword: str) -> tuple[int, str]:
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(keyword)
    return (0, "") if tag is None else (tag, dictionary_VR(tag))


@cache
def _wanted(more: tuple[str, ...]) -> frozenset[int]:
    return frozenset(tag for keyword in (*KEYWORDS, *more) if (tag := _tag_and_kind(keyword)[0]))


def whole_header(path: Path) -> Dataset:
    """Return all tags of the DICOM file ``path`` but its pixels."""
    from pydicom import dcmread

    return dcmread(path, stop_before_pixels=True)


def is_dicom_file(path: Path) -> bool:
    """Say whether ``path`` is a file with the DICOM mark ``DICM`` at byte 128."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def image_headers(path: Path, more: Sequence[str] = ()) -> list[ImageHeader]:
    """Return the headers of the DICOM images in the folder ``path`` (not below it), or of the file ``path``.

    What is no DICOM, DICOMDIR, and DICOM objects without pixels (reports, presentation states) are passed over.
    ``more`` are the keywords of tags that are wanted beside the usual ones.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: there is no DICOM image, or an image is damaged or cut off.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    read = (image_header(file, more) for file in files if file.is_file())
    headers = [header for header in read if header is not None]
    if not headers:
        what = "a folder without DICOM images" if path.is_dir() else "not a DICOM image"
        raise ValueError(f"{path}: {what}; give a NIfTI file, a DICOM file, or a folder with the files of one series")
    return headers


def image_header(path: Path, more: Sequence[str] = ()) -> ImageHeader | None:
    """Return the header of the file ``path``, or None if it is no DICOM, or an object without pixels.

    Raises:
        ValueError: the file is damaged or cut off.
    """
    from pydicom.errors import InvalidDicomError

    try:
        with path.open("rb", buffering=0) as stream:
            if stream.read(132)[128:] != b"DICM":
                return None
            tags, pixels_at = scanned_header(stream, _wanted(tuple(more))) or _full_header(path)
        frames = int((numbers(tags, "NumberOfFrames") or [1])[0]) or 1
    except (InvalidDicomError, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise ValueError(f"{path}: the DICOM header cannot be read ({error}); copy the file again") from error
    if "Rows" in tags and "Columns" in tags:
        return ImageHeader(path, tags, frames, pixels_at)
    kind = tags.file_meta.get("MediaStorageSOPClassUID") or tags.get("SOPClassUID")
    if kind is None or "Image Storage" in kind.name:
        raise ValueError(f"{path}: the DICOM header ends before Rows (0028,0010); the file is cut off, copy it again")
    return None


def _full_header(path: Path) -> tuple[Dataset, int | None]:
    """Return all tags before the pixels, and where the value of PixelData begins."""
    from pydicom import dcmread

    with path.open("rb") as stream:
        tags = dcmread(stream, stop_before_pixels=True)
        deflated = tags.file_meta.get("TransferSyntaxUID") in (None, DEFLATED)
        place = stream.tell()
        return tags, None if deflated else place + pixels_after(stream.read(12))
