"""Grey JPEG-LS by CharLS itself: pyjpegls, which carries the library, lets no other thread run while it decodes."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

POINTER, SIZE, CODE = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
# CharLS' C interface, the same since 2.1: what a function returns and takes
FUNCTIONS = {
    "charls_jpegls_decoder_create": (POINTER, ()),
    "charls_jpegls_decoder_destroy": (None, (POINTER,)),
    "charls_jpegls_decoder_set_source_buffer": (CODE, (POINTER, ctypes.c_char_p, SIZE)),
    "charls_jpegls_decoder_read_header": (CODE, (POINTER,)),
    "charls_jpegls_decoder_get_frame_info": (CODE, (POINTER, POINTER)),
    "charls_jpegls_decoder_decode_to_buffer": (CODE, (POINTER, POINTER, SIZE, ctypes.c_uint32)),
    "charls_get_error_message": (ctypes.c_char_p, (CODE,)),
}


class _FrameInfo(ctypes.Structure):
    """What CharLS says of a picture."""

    _fields_ = (
        ("columns", ctypes.c_uint32),
        ("rows", ctypes.c_uint32),
        ("bits", ctypes.c_int32),
        ("components", ctypes.c_int32),
    )


@cache
def charls() -> ctypes.CDLL | None:
    """Return the library in pyjpegls; None where that is not installed, or shows no other program its functions."""
    found = find_spec("_CharLS")
    if found is None or found.origin is None:
        return None
    try:
        library = ctypes.CDLL(found.origin)
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None
    return library


def charls_frame(data: bytes, size: tuple[int, int], allocated: int, *, signed: bool) -> NDArray[Any]:
    """Return the grey JPEG-LS picture in ``data`` as ``(rows, columns)``.

    Args:
        data: the picture.
        size: rows and columns that it must have.
        allocated: bits of a value, unless the picture has more.
        signed: whether its values are signed, which JPEG-LS does not say.

    Raises:
        ValueError: it is damaged, in colour, or of another size.
    """
    library = charls()
    assert library is not None
    decoder = library.charls_jpegls_decoder_create()
    try:
        _check(library, library.charls_jpegls_decoder_set_source_buffer(decoder, data, len(data)))
        _check(library, library.charls_jpegls_decoder_read_header(decoder))
        info = _FrameInfo()
        _check(library, library.charls_jpegls_decoder_get_frame_info(decoder, ctypes.byref(info)))
        if (info.rows, info.columns, info.components) != (*size, 1):
            raise ValueError(
                f"{info.components} components of {info.rows} rows and {info.columns} columns, {size[0]} rows and "
                f"{size[1]} columns expected of one component"
            )
        values: NDArray[Any] = np.empty(size, f"{'i' if signed else 'u'}{1 if info.bits <= 8 else 2}")
        place = values.ctypes.data
        _check(library, library.charls_jpegls_decoder_decode_to_buffer(decoder, place, values.nbytes, 0))
    finally:
        library.charls_jpegls_decoder_destroy(decoder)
    if signed:
        unused = 8 * values.itemsize - info.bits
        values <<= unused
        values >>= unused
    return values.astype(f"{values.dtype.kind}{max(values.itemsize, allocated // 8)}", copy=False)


def _check(library: ctypes.CDLL, code: int) -> None:
    if code:
        raise ValueError(library.charls_get_error_message(code).decode())
