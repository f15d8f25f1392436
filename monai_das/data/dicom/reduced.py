"""JPEG 2000 at a fraction of its size: only the coarse levels of the wavelet transform are decoded."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_das._optional import require
from monai_das.data.dicom.decode import encoded_frame, inverted
from monai_das.data.dicom.pixel_file import PixelFile

# the last three are High-Throughput JPEG 2000, of the same wavelet; OpenJPEG 2.5 reads it, in Pillow too
JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{last}" for last in (90, 91, 201, 202, 203))
START = b"\xff\x4f\xff\x51"
CODING = 0xFF52
GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_RCT", "YBR_ICT")


@dataclass(frozen=True)
class CodestreamHead:
    """What the main header of a JPEG 2000 codestream says: its ``components``, bits, sign, and wavelet ``levels``."""

    components: int
    bits: int
    signed: bool
    levels: int


def codestream_head(data: bytes) -> CodestreamHead | None:
    """Return the head of the codestream in ``data``, or None where there is none or it is damaged."""
    start = data.find(START, 0, 1 << 12)
    if start < 0:
        return None
    try:
        (components,) = struct.unpack_from(">H", data, start + 40)
        precision = data[start + 42]
        place = start + 2
        while True:
            marker, length = struct.unpack_from(">HH", data, place)
            if marker == CODING:
                return CodestreamHead(components, (precision & 127) + 1, precision > 127, data[place + 9])
            place += 2 + length
    except (struct.error, IndexError):
        return None


def reduced_frame(pixels: PixelFile, frame: int, size: int) -> NDArray[Any] | None:
    """Return a JPEG 2000 frame halved as often as its sides stay at least ``size``, as stored values or RGB.

    None where that is not possible: another transfer syntax, no level to leave out, or samples that differ from what
    the header says. Then use :func:`monai_das.data.dicom.decode.decode_frame`.
    """
    if pixels.syntax not in JPEG_2000 or pixels.value_at is None or pixels.photometric not in (*GREY, *COLOUR):
        return None
    halvings = (min(pixels.header.size) // size).bit_length() - 1
    if halvings < 1:
        return None
    data = encoded_frame(pixels, frame)
    head = codestream_head(data)
    if head is None or head.levels < 1 or not _as_header_says(head, pixels):
        return None
    halvings = min(halvings, head.levels)
    values = _pillow(data, halvings)
    if head.components == 3:
        return centred(values, halvings)
    # Pillow moves signed values up to 0 and fills the upper bits first
    stored = values.astype(np.int32) >> (values.dtype.itemsize * 8 - head.bits)
    stored -= 1 << (head.bits - 1) if head.signed else 0
    return centred(inverted(stored, pixels) if pixels.photometric == "MONOCHROME1" else stored, halvings)


def centred(values: NDArray[Any], halvings: int) -> NDArray[np.float32]:
    """Return ``values``, which a wavelet puts at the first pixel of each block, at the centres of the blocks.

    It interpolates linearly; the last row and column stay. Without it, thumbnails are off by almost half a pixel.
    """
    part = 0.5 - 0.5 / 2**halvings
    found = values.astype(np.float32)
    found[:-1] += (found[1:] - found[:-1]) * part
    found[:, :-1] += (found[:, 1:] - found[:, :-1]) * part
    return found


def _as_header_says(head: CodestreamHead, pixels: PixelFile) -> bool:
    grey = pixels.samples == 1 and head.bits <= 16
    colour = pixels.samples == 3 and head.bits == 8
    return head.components == pixels.samples and head.signed == pixels.signed and (grey or colour)


def _pillow(data: bytes, halvings: int) -> NDArray[Any]:
    image = require("PIL.Image", extra="dicom").open(BytesIO(data))
    image.reduce = halvings
    return np.asarray(image)
