"""Grey values in few bytes, for a page that shows them in any window; ``page.js`` unpacks them."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

LEVELS = 65535


def packed(values: NDArray[np.float32]) -> tuple[float, float, bytes]:
    """Return ``values`` ``(rows, columns)`` as offset, step and bytes: ``value = offset + step * number``.

    Whole numbers are kept exactly, others to a 65535th of their range. The numbers are 16 bits. Each is predicted from
    its neighbours as in JPEG-LS; what is left, small numbers of either sign, is folded to the positive ones, and lower
    and upper bytes are deflated one after the other.
    """
    low, high = float(values.min()), float(values.max())
    whole = high - low <= LEVELS and low == int(low) and not np.any(values % 1)
    step = 1.0 if whole or high == low else (high - low) / LEVELS
    numbers = np.rint((values.astype(np.float64) - low) / step).astype(np.int32)
    left = (numbers - _predicted(numbers)).astype(np.int16)
    folded = ((left << 1) ^ (left >> 15)).astype("<u2")
    deflate = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_FILTERED)
    planes = (folded & 255).astype(np.uint8).tobytes() + (folded >> 8).astype(np.uint8).tobytes()
    return low, step, deflate.compress(planes) + deflate.flush()


def _predicted(numbers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the median edge detector of JPEG-LS: of left, above, and left + above - corner the middle one."""
    framed = np.pad(numbers, ((1, 0), (1, 0)))
    left, above, corner = framed[1:, :-1], framed[:-1, 1:], framed[:-1, :-1]
    low, high = np.minimum(left, above), np.maximum(left, above)
    middle: NDArray[np.int32] = np.clip(left + above - corner, low, high)
    return middle
