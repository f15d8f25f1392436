"""DICOM files without the 128 bytes of preamble and the mark ``DICM``, or without file meta information."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from pydicom import Dataset

LOOK = 512
MARK_AT = 128
# groups that a data set begins with, little and big endian: file meta information, identification
FIRST_GROUPS = {b"\2\0": "<", b"\x08\0": "<", b"\0\x08": ">"}
KINDS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
LONGEST = 1 << 16
ELEMENTS = 3  # so many must follow each other as DICOM has them
UNDEFINED = b"\xff" * 4
IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


def is_dicom_file(path: Path) -> bool:
    """Say whether ``path`` is a file with the DICOM mark ``DICM`` at byte 128, or begins with elements of DICOM."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return is_dicom_start(stream.read(LOOK))


def is_dicom_start(start: bytes) -> bool:
    """Say whether a file that begins with ``start``, at least :data:`LOOK` bytes of it, is DICOM, bare or not."""
    return start[MARK_AT : MARK_AT + 4] == b"DICM" or is_bare(start)


def is_bare(start: bytes) -> bool:
    r"""Say whether ``start`` begins with elements of DICOM, without preamble.

    Example:
        >>> is_bare(b"\x08\0\5\0CS\x0a\0ISO_IR 100\x08\0\x16\0UI\2\x001\0\x08\0\x60\0CS\2\0CT")
        True
        >>> is_bare(b"Dear all")
        False
    """
    order = FIRST_GROUPS.get(start[:2])
    return order is not None and (_elements(start, order, True) or (order == "<" and _elements(start, order, False)))


def read_dataset(path: Path | BinaryIO, **options: Any) -> Dataset:
    """Return what ``pydicom.dcmread`` reads of ``path``, which may be bare; its file meta names a transfer syntax.

    Where the file does not say it, the syntax is what pydicom took it for: implicit or explicit, little or big endian.

    Args:
        path: a file, or a stream at its beginning.
        options: those of ``dcmread``.
    """
    from pydicom import dcmread
    from pydicom.uid import UID

    tags = dcmread(path, force=True, **options)
    if "TransferSyntaxUID" not in tags.file_meta:
        implicit, little = tags.original_encoding
        tags.file_meta.TransferSyntaxUID = UID(IMPLICIT if implicit else EXPLICIT if little else BIG)
    return tags


def whole_file(path: Path) -> bytes:
    """Return the bytes of ``path``; of a bare file as DICOM has it in files, with preamble and file meta."""
    content = path.read_bytes()
    if content[MARK_AT : MARK_AT + 4] == b"DICM":
        return content
    stream = BytesIO()
    read_dataset(path).save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _elements(start: bytes, order: str, explicit: bool) -> bool:
    """Say whether the first elements of ``start`` have ascending tags of few groups, and lengths that can be."""
    place, last = 0, -1
    for number in range(ELEMENTS):
        if place + 8 > len(start):
            return number > 0 and place >= LOOK
        group, element, kind, short = struct.unpack_from(f"{order}HH2sH", start, place)
        (length,) = struct.unpack_from(f"{order}L", start, place + 4)
        place += 8
        if explicit:
            if kind not in KINDS:
                return False
            length = short
            if kind in LONG:
                length = int.from_bytes(start[place : place + 4], "little" if order == "<" else "big")
                place += 4
        tag = group << 16 | element
        if tag <= last or group not in (2, 8, 9, 16) or (length != 0xFFFFFFFF and (length % 2 or length > LONGEST)):
            return False
        last = tag
        if length == 0xFFFFFFFF:
            return number > 0
        place += length
    return True
