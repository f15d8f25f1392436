"""Read the headers of DICOM images, and tell images from all other files in a folder."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_das.data.boundary import reading
from monai_das.data.dicom.bare import is_dicom_file, read_dataset
from monai_das.data.dicom.declared import UNCOMPRESSED, check_declared, check_inflated
from monai_das.data.dicom.header_scan import QuickHeader, ascii_text, pixels_after, quick_header, swapped
from monai_das.data.dicom.wanted import KEYWORDS, MOSAIC_COUNT
from monai_das.data.file_versions import FileVersion, file_version
from monai_das.data.messages import StudyError

if TYPE_CHECKING:
    from pydicom import Dataset

DEFLATED = "1.2.840.10008.1.2.1.99"
# value representations that are read from the bytes of a file without pydicom
NUMBER_KINDS = ("DS", "IS", "US")
TEXT_KINDS = ("UI", "CS")
NOT_A_NUMBER = (ValueError, TypeError, OverflowError)
US = struct.Struct("<H")


@dataclass(frozen=True, eq=False)
class ImageHeader:
    """The header of one DICOM image.

    Attributes:
        path: its file.
        source: the tags that were read from it.
        frames: their number.
        pixels_at: offset of the value of PixelData in the file; None where only a full reader finds the pixels.
        pixels_length: bytes of that value; None where they are not known, or the pixels are compressed.
        version: of the file before it was read; None where none was.
    """

    path: Path
    source: Dataset | QuickHeader
    frames: int
    pixels_at: int | None
    pixels_length: int | None = None
    version: FileVersion | None = None

    @cached_property
    def tags(self) -> Dataset:
        """The tags that say where the image lies and how its pixels are stored; not all tags of the file."""
        return self.source.dataset() if isinstance(self.source, QuickHeader) else self.source

    def number_list(self, keyword: str) -> list[float] | None:
        """Return the numbers of the tag ``keyword``, or None where it is missing or empty.

        Raises:
            ValueError: it holds something else; the message names file and tag.
        """
        tag, kind = _tag_and_kind(keyword)
        try:
            if isinstance(self.source, QuickHeader):
                raw = self.source.values.get(tag)
                if raw is None or kind in NUMBER_KINDS:
                    return None if raw is None else raw_numbers(raw, kind)
            return numbers(self.tags, keyword)
        except NOT_A_NUMBER as error:
            raise StudyError(self.path, f"{_no_number(keyword)}") from error

    def number(self, keyword: str, default: float) -> float:
        """Return the first number of the tag ``keyword``, or ``default``."""
        return (self.number_list(keyword) or [default])[0]

    def text(self, keyword: str) -> str | None:
        """Return the tag ``keyword`` as text, several values joined by a backslash; None where it is missing."""
        if isinstance(self.source, QuickHeader):
            tag, kind = _tag_and_kind(keyword)
            raw = self.source.values.get(tag)
            if raw is None or (raw and kind in TEXT_KINDS):
                return None if raw is None else ascii_text(raw)
        return text(self.tags, keyword)

    def items(self, keyword: str) -> list[Dataset]:
        """Return the items of the sequence ``keyword``; none where it is missing."""
        if isinstance(self.source, QuickHeader) and _tag_and_kind(keyword)[0] not in self.source.values:
            return []
        return list(self.tags.get(keyword) or ())

    @property
    def syntax(self) -> str | None:
        """UID of the transfer syntax; None where the file does not say."""
        if isinstance(self.source, QuickHeader):
            return self.source.syntax
        meta = getattr(self.source, "file_meta", None)
        return None if meta is None else text(meta, "TransferSyntaxUID")

    @property
    def framed(self) -> bool:
        """Whether functional groups say where the frames lie, as in enhanced objects, or there are several frames."""
        return self.frames > 1 or bool(self.items("PerFrameFunctionalGroupsSequence"))

    @cached_property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.number("Rows", 0)), int(self.number("Columns", 0))


def numbers(tags: Dataset, keyword: str) -> list[float] | None:
    """Return the numbers of the tag ``keyword`` as a list, or None where it is missing or empty.

    Text and short integers are parsed here, because pydicom's own number types are slow to make.
    """
    tag, kind = _tag_and_kind(keyword)
    element: Any = tags.get_item(tag) if tag in tags else None
    raw = getattr(element, "value", None)
    if isinstance(raw, bytes) and kind in NUMBER_KINDS and element.is_little_endian:
        return raw_numbers(raw, kind)
    value: Any = tags.get(keyword)
    if value is None or value == "":
        return None
    values = list(value) if isinstance(value, (list, tuple)) or hasattr(value, "__iter__") else [value]
    return _finite([float(one) for one in values]) or None


def raw_numbers(raw: bytes, kind: str) -> list[float] | None:
    """Return the numbers in ``raw``, little endian, of a ``kind`` in :data:`NUMBER_KINDS`; None where it is empty.

    Raises:
        ValueError: a part is no number, not finite, or only Python takes it for a number, as ``1_0``.
    """
    if kind == "US":
        return [float(number) for (number,) in US.iter_unpack(raw[: len(raw) // 2 * 2])] or None
    found = raw.strip(b"\0 ")
    if b"_" in found:
        raise ValueError("no number")
    return _finite([float(part) for part in found.split(b"\\")]) if found else None


def _finite(values: list[float]) -> list[float]:
    """Return ``values``; raise ``ValueError`` where one is NaN or infinite."""
    if not all(map(math.isfinite, values)):
        raise ValueError("not finite")
    return values


def text(tags: Dataset, keyword: str) -> str | None:
    """Return the tag ``keyword`` as text, several values joined by a backslash; None where it is missing."""
    tag, kind = _tag_and_kind(keyword)
    raw = getattr(tags.get_item(tag), "value", None) if tag in tags else None
    if isinstance(raw, bytes) and kind in TEXT_KINDS and raw:
        return ascii_text(raw)
    value = tags.get(keyword)
    if value is None or isinstance(value, str) or not hasattr(value, "__iter__"):
        return None if value is None else str(value)
    return "\\".join(str(one) for one in value)


def undecoded(header: ImageHeader, keyword: str) -> str:
    """Return the tag ``keyword`` as text of Latin-1 whatever its characters are, fast; empty where it is missing."""
    if isinstance(header.source, QuickHeader):
        return ascii_text(header.source.values.get(_tag_and_kind(keyword)[0], b""))
    return text(header.source, keyword) or ""


@cache
def _tag_and_kind(keyword: str) -> tuple[int, str]:
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(keyword)
    return (0, "") if tag is None else (tag, dictionary_VR(tag))


@cache
def _wanted(more: tuple[str, ...]) -> frozenset[int]:
    tags = (_tag_and_kind(keyword)[0] for keyword in (*KEYWORDS, *more))
    return frozenset(swapped(tag) for tag in (*tags, MOSAIC_COUNT) if tag)


def holds_tags(header: ImageHeader, more: Sequence[str]) -> bool:
    """Say whether ``header``, read for the usual tags only, would also hold the tags ``more``."""
    return not isinstance(header.source, QuickHeader) or _wanted(tuple(more)) == _wanted(())


def image_header(path: Path, more: Sequence[str] = ()) -> ImageHeader | None:
    """Return the header of the file ``path``, or None if it is not DICOM, or an object without pixels.

    ``more`` holds the keywords of further tags to read.

    Raises:
        ValueError: the file is damaged or cut off.
    """
    with reading(path, "the DICOM header cannot be read: "):
        version, quick = file_version(path), quick_header(path, _wanted(tuple(more)))
        if quick is not None:
            header = ImageHeader(path, quick, 1, quick.pixels_at, quick.pixels_length, version)
        elif not is_dicom_file(path):
            return None
        else:
            tags, place, length = _full_header(path)
            header = ImageHeader(path, tags, _frame_count(tags, path), place, length, version)
        if all(header.size):
            sizes = (int(header.number("SamplesPerPixel", 1)), int(header.number("BitsAllocated", 16)))
            check_declared(path, header.frames, (*header.size, *sizes), header.syntax if header.pixels_at else None)
            return header
        kind = header.tags.file_meta.get("MediaStorageSOPClassUID") or header.tags.get("SOPClassUID")
        if kind is None or "Image Storage" in kind.name:
            raise StudyError(path, "the DICOM header ends before Rows (0028,0010); the file is cut off: copy it again")
        return None


def item_numbers(item: Dataset, keyword: str, path: Path) -> list[float] | None:
    """Return :func:`numbers` of an ``item`` in a sequence of the file ``path``; errors name file and tag."""
    try:
        return numbers(item, keyword)
    except NOT_A_NUMBER as error:
        raise StudyError(path, f"{_no_number(keyword)}") from error


def _frame_count(tags: Dataset, path: Path) -> int:
    """Return NumberOfFrames, 1 where it is missing or 0."""
    try:
        (count, *_) = numbers(tags, "NumberOfFrames") or [1]
    except NOT_A_NUMBER as error:
        raise StudyError(path, _no_number("NumberOfFrames")) from error
    if not 0 <= count < math.inf:
        raise StudyError(path, f"NumberOfFrames (0028,0008) is {count:g}, and no object has so many; repair the header")
    return int(count) or 1


def _no_number(keyword: str) -> str:
    """Return what is wrong with the tag ``keyword``, without the text in it."""
    tag, _ = _tag_and_kind(keyword)
    return (
        f"{keyword} ({tag >> 16:04X},{tag & 0xFFFF:04X}) holds no number, or none that is finite with a point for "
        "decimals; repair the header"
    )


def _full_header(path: Path) -> tuple[Dataset, int | None, int | None]:
    """Return all tags before the pixels, where the value of PixelData begins, and its length."""
    check_inflated(path)
    with path.open("rb") as stream:
        tags = read_dataset(stream, stop_before_pixels=True)
        syntax, place, head = tags.file_meta.TransferSyntaxUID, stream.tell(), stream.read(12)
    if syntax == DEFLATED:
        return tags, None, None
    after, length = pixels_after(head)
    if length is None and syntax in UNCOMPRESSED and len(head) == 12:
        words = "compressed pixels, and TransferSyntaxUID (0002,0010) does not say how; export the image again"
        raise StudyError(path, words)
    return tags, place + after, length if syntax.is_little_endian else None
