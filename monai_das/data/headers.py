"""Read the headers of DICOM images, and tell images from everything else that lies in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset

DICOMDIR_CLASS = "1.2.840.10008.1.3.10"


@dataclass(frozen=True, eq=False)
class ImageHeader:
    """The header of one DICOM image: its ``path``, its ``tags`` without pixels, its number of ``frames``."""

    path: Path
    tags: Dataset
    frames: int

    def number_list(self, keyword: str) -> list[float] | None:
        """Return the numbers of the tag ``keyword``, or None where it is missing or empty."""
        return numbers(self.tags, keyword)


def numbers(tags: Dataset, keyword: str) -> list[float] | None:
    """Return the numbers of the tag ``keyword`` as a list, or None where it is missing or empty."""
    value: Any = tags.get(keyword)
    if value is None or value == "":
        return None
    values = list(value) if isinstance(value, (list, tuple)) or hasattr(value, "__iter__") else [value]
    return [float(one) for one in values] or None


def is_dicom_file(path: Path) -> bool:
    """Say whether ``path`` is a file with the DICOM mark ``DICM`` at byte 128."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def image_headers(path: Path) -> list[ImageHeader]:
    """Return the headers of the DICOM images in the folder ``path`` (not below it), or of the file ``path``.

    What is no DICOM, DICOMDIR, and DICOM objects without pixels (reports, presentation states) are passed over.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: there is no DICOM image, or an image is damaged or cut off.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    read = (image_header(file) for file in files if is_dicom_file(file))
    headers = [header for header in read if header is not None]
    if not headers:
        what = "a folder without DICOM images" if path.is_dir() else "not a DICOM image"
        raise ValueError(f"{path}: {what}; give a NIfTI file, a DICOM file, or a folder with the files of one series")
    return headers


def image_header(path: Path) -> ImageHeader | None:
    """Return the header of the DICOM file ``path``, or None if it is an object without pixels.

    Raises:
        ValueError: the file is damaged or cut off.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        tags = dcmread(path, stop_before_pixels=True)
        frames = int(tags.get("NumberOfFrames") or 1)
    except (InvalidDicomError, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise ValueError(f"{path}: the DICOM header cannot be read ({error}); copy the file again") from error
    if "Rows" in tags and "Columns" in tags:
        return ImageHeader(path, tags, frames)
    kind = tags.file_meta.get("MediaStorageSOPClassUID") or tags.get("SOPClassUID")
    if kind is None or "Image Storage" in kind.name:
        raise ValueError(f"{path}: the DICOM header ends before Rows (0028,0010); the file is cut off, copy it again")
    return None
