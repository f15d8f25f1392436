"""How large a compressed picture is by its own head: a decoder makes that size, whatever the DICOM header says."""

from __future__ import annotations

import struct

JPEG_2000 = b"\xff\x4f\xff\x51"
JPEG, JPEG_SCAN, JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
# where a frame of JPEG or JPEG-LS begins; C4, C8 and CC are tables
FRAMES = frozenset((*range(0xC0, 0xD0), 0xF7)) - {0xC4, 0xC8, 0xCC}
BARE = frozenset((0x01, *range(0xD0, 0xD9)))


def coded_size(data: bytes) -> tuple[int, int, int] | None:
    """Return rows, columns and components of the JPEG, JPEG-LS or JPEG 2000 picture in ``data``.

    None for other pictures and damaged ones.

    Example:
        >>> coded_size(bytes.fromhex("ffd8 ffc0 000b 08 0010 0014 01 011100"))
        (16, 20, 1)
    """
    try:
        if data.startswith(JPEG):
            return _jpeg_size(data)
        start = data.find(JPEG_2000, 0, 1 << 12)
        if start < 0:
            return None
        right, bottom, left, top = struct.unpack_from(">LLLL", data, start + 8)
        return bottom - top, right - left, struct.unpack_from(">H", data, start + 40)[0]
    except (struct.error, IndexError):
        return None


def has_end(data: bytes) -> bool:
    """Say whether the JPEG or JPEG-LS picture in ``data`` has its end after its last scan.

    CharLS counts zeros for half a minute where a JPEG-LS picture of a few pixels has none.
    """
    return data.rfind(JPEG_END) > data.rfind(JPEG_SCAN)


def _jpeg_size(data: bytes) -> tuple[int, int, int] | None:
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker in FRAMES:
            rows, columns, components = struct.unpack_from(">HHB", data, place + 5)
            return rows, columns, components
        place += 2 if marker in BARE else 1 if marker == 0xFF else 2 + struct.unpack_from(">H", data, place + 2)[0]
    return None
