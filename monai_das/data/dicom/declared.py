"""What a DICOM header declares, held against the file and the limit of memory before pixels are read."""

from __future__ import annotations

import zlib
from pathlib import Path

from monai_das.data.budget import INFLATION, check_frames, check_inside, check_memory, check_plane, limit
from monai_das.data.dicom.header_scan import scan_elements, swapped

UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
DEFLATED_SYNTAX = b"1.2.840.10008.1.2.1.99"
META_END = 144
BLOCK = 1 << 20
ROWS, COLUMNS = 0x00280010, 0x00280011


def check_declared(path: Path, frames: int, sizes: tuple[int, int, int, int], syntax: str | None) -> None:
    """Raise ``ValueError`` if the pixels that a header declares cannot be in its file, or need too much memory.

    Args:
        path: the file.
        frames: their number.
        sizes: Rows, Columns, SamplesPerPixel and BitsAllocated.
        syntax: UID of the transfer syntax; None where it is not known, or not where the pixels begin.
    """
    rows, columns, samples, bits = sizes
    check_plane(columns, rows, samples, path)
    check_frames(frames, path)
    if frames > 1 and syntax is not None:
        # a compressed frame has at least a head of 8 bytes; a single frame that is cut off says so when it is decoded
        frame = rows * columns * samples * bits // 8 if syntax in UNCOMPRESSED else 8
        check_inside(frames * frame, path, f"{frames} frames (0028,0008)")


def check_inflated(path: Path) -> None:
    """Raise ``ValueError`` if the file ``path`` is deflated DICOM and inflates to more than an eighth of the limit.

    pydicom holds it whole, and several times while it decodes. Nothing is kept here.
    """
    size = path.stat().st_size
    if size * INFLATION <= limit() // 8:
        return
    with path.open("rb") as stream:
        head = stream.read(META_END)
        if DEFLATED_SYNTAX not in stream.read(min(int.from_bytes(head[140:144], "little"), BLOCK)):
            return
        unpacker, total, left = zlib.decompressobj(-zlib.MAX_WBITS), 0, b""
        while not unpacker.eof and (left or (left := stream.read(BLOCK))):
            found = unpacker.decompress(left, BLOCK)
            left = unpacker.unconsumed_tail
            if not total:
                _check_size(found, path)
            total += len(found)
            check_memory(8 * total, path, f"its deflated data, {total >> 20} MiB and more, would")


def _check_size(start: bytes, path: Path) -> None:
    """Raise ``ValueError`` if the data set that begins with ``start`` declares too large a picture."""
    found = scan_elements(start, 0, frozenset(map(swapped, (ROWS, COLUMNS))), explicit=True)
    if found is not None and found.values.keys() >= {ROWS, COLUMNS}:
        columns, rows = (int.from_bytes(found.values[tag][:2], "little") for tag in (COLUMNS, ROWS))
        check_plane(columns, rows, 1, path)
