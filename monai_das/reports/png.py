"""Colours as PNG, fast: most of a montage's cost is packing it."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

MAGIC = b"\x89PNG\r\n\x1a\n"


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """Return ``pixels`` ``(rows, columns, 3)``, RGB, as a PNG without filters: half the time of Pillow's.

    Example:
        >>> png_bytes(np.zeros((2, 2, 3), np.uint8))[1:4]
        b'PNG'
    """
    rows, columns, _ = pixels.shape
    lines = np.zeros((rows, 1 + 3 * columns), np.uint8)
    lines[:, 1:] = pixels.reshape(rows, -1)
    head = struct.pack(">LLBBBBB", columns, rows, 8, 2, 0, 0, 0)
    return MAGIC + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 1)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))
