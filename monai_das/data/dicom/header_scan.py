"""A quick look into a DICOM header: only the wanted tags, several times faster than reading all of them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import BaseTag

EXPLICIT = struct.Struct("<L2sH")
IMPLICIT = struct.Struct("<LL")
LENGTH = struct.Struct("<L")
LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
UNDEFINED = 0xFFFFFFFF
META_START, META_GROUP = 132, 2
SYNTAX, CHARACTERS, FRAMES, PIXELS = 0x00020010, 0x00080005, 0x00280008, 0x7FE00010
META_TAGS = (0x00020002, SYNTAX)
# functional groups, shared and per frame: their sequences are for a full reader
GROUPS = (0x52009229, 0x52009230)
IMPLICIT_SYNTAX = "1.2.840.10008.1.2"
# their data sets are not explicit little endian: deflated, big endian
OTHER_SYNTAXES = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2")
# what ordinary headers fit in, and what is read where they do not
CHUNKS = (1 << 13, 1 << 17, 1 << 20)


@dataclass(frozen=True, eq=False)
class QuickHeader:
    """The wanted tags of a single-frame file, unconverted.

    Attributes:
        values: bytes of the value by tag.
        kinds: their value representations; None in files that do not state them.
        meta: the values of the file meta information.
        pixels_at: offset of the value of PixelData in the file.
        pixels_length: bytes of that value; None where they are compressed.
    """

    values: Mapping[int, bytes]
    kinds: Mapping[int, bytes | None]
    meta: Mapping[int, bytes]
    pixels_at: int
    pixels_length: int | None

    @property
    def syntax(self) -> str:
        """UID of the transfer syntax."""
        return ascii_text(self.meta[SYNTAX])

    def dataset(self) -> Dataset:
        """Return the tags as pydicom's data set, with the transfer syntax in its ``file_meta``."""
        from pydicom import Dataset
        from pydicom.charset import convert_encodings
        from pydicom.dataset import FileMetaDataset

        tags = Dataset(dict(_raw(tag, self.kinds[tag], value) for tag, value in self.values.items()))
        characters = self.values.get(CHARACTERS)
        encodings = convert_encodings(ascii_text(characters).split("\\")) if characters else "iso8859"
        tags.set_original_encoding(self.syntax == IMPLICIT_SYNTAX, True, encodings)
        tags.file_meta = FileMetaDataset(dict(_raw(tag, b"UI", value) for tag, value in self.meta.items()))
        return tags


@dataclass(frozen=True, eq=False)
class Scan:
    """Values and kinds by tag, where the last element began or ended, and whether the pixels come next."""

    values: dict[int, bytes]
    kinds: dict[int, bytes | None]
    end: int
    at_pixels: bool


def quick_header(path: Path, wanted: frozenset[int]) -> QuickHeader | None:
    """Return the tags ``wanted`` (as :func:`swapped` has them) of the file ``path``; what follows them is not read.

    None where the header needs a full reader: several frames, functional groups, no pixels, sequences of undefined
    length, a deflated or big endian data set, damage, or a file that is not DICOM.

    Raises:
        OSError: the file cannot be opened.
    """
    with open(path, "rb", buffering=0) as stream:
        for size in CHUNKS:
            stream.seek(0)
            data = stream.read(size)
            found = _looked_at(data, wanted)
            if found is not None:
                return found if isinstance(found, QuickHeader) else None
            if len(data) < size:
                return None
    return None


def swapped(tag: int) -> int:
    """Return ``tag`` with element before group, as it is when four bytes of a file are read as one number."""
    return tag >> 16 | (tag & 0xFFFF) << 16


def _looked_at(data: bytes, wanted: frozenset[int]) -> QuickHeader | bool | None:
    """Return the header at the start of ``data``, False where it is for a full reader, None where it is cut off."""
    if data[128:META_START] != b"DICM":
        return False
    meta = scan_elements(data, META_START, META_WANTED, explicit=True, group=META_GROUP)
    if meta is None or SYNTAX not in meta.values or ascii_text(meta.values[SYNTAX]) in OTHER_SYNTAXES:
        return False
    explicit = ascii_text(meta.values[SYNTAX]) != IMPLICIT_SYNTAX
    body = scan_elements(data, meta.end, wanted | ALWAYS, explicit=explicit)
    if body is None:
        return False
    if not body.at_pixels:
        return None
    if ascii_text(body.values.get(FRAMES, b"")) not in ("", "1") or any(tag in body.values for tag in GROUPS):
        return False
    after, length = pixels_after(data[body.end : body.end + 12])
    return QuickHeader(body.values, body.kinds, meta.values, body.end + after, length)


def scan_elements(
    data: bytes, start: int, wanted: frozenset[int], *, explicit: bool, group: int | None = None
) -> Scan | None:
    """Return the elements ``wanted`` of ``data`` from ``start`` to the pixels, or to the end of ``group``.

    None at an element of undefined length; a scan that is not ``at_pixels`` ran out of data (or of the group).
    """
    values: dict[int, bytes] = {}
    kinds: dict[int, bytes | None] = {}
    place, last = start, len(data) - 12
    kind: bytes | None = None
    while place <= last:
        if explicit:
            mark, kind, length = EXPLICIT.unpack_from(data, place)
            value = place + 8
            if kind in LONG:
                (length,) = LENGTH.unpack_from(data, value)
                value += 4
        else:
            mark, length = IMPLICIT.unpack_from(data, place)
            value = place + 8
        if mark == PIXELS_MARK or (group is not None and mark & 0xFFFF != group):
            return Scan(values, kinds, place, mark == PIXELS_MARK)
        if length == UNDEFINED:
            return None
        place = value + length
        if mark in wanted:
            tag = swapped(mark)
            values[tag], kinds[tag] = data[value:place], kind
    return Scan(values, kinds, place, False)


def pixels_after(head: bytes) -> tuple[int, int | None]:
    """Return how many bytes tag, kind and length of the pixels take, and that length, from the first 12 of them.

    The length is None where it is not stated, as for compressed pixels.
    """
    after = 12 if head[4:6] in LONG else 8
    length = int.from_bytes(head[after - 4 : after], "little")
    return after, None if length == UNDEFINED or len(head) < after else length


def ascii_text(value: bytes) -> str:
    """Return the text of ``value`` without padding."""
    return value.decode("latin-1").strip("\0 ")


def _raw(tag: int, kind: bytes | None, value: bytes) -> tuple[BaseTag, RawDataElement]:
    """Return an item of pydicom's dictionaries."""
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import BaseTag

    name = None if kind is None else kind.decode("latin-1")
    return BaseTag(tag), RawDataElement(BaseTag(tag), name, len(value), value, 0, kind is None, True)


PIXELS_MARK = swapped(PIXELS)
META_WANTED = frozenset(map(swapped, META_TAGS))
ALWAYS = frozenset(map(swapped, (CHARACTERS, FRAMES, *GROUPS)))
