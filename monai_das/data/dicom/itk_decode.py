"""ITK decodes what the installed plug-ins of pydicom do not: JPEG of 12 bits, and everything in a plain install."""

from __future__ import annotations

import warnings
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_das.data.dicom.frames import frame_rescale
from monai_das.data.dicom.pixel_file import PixelFile

# what MONAI's ITKReader asks for too: whatever loads later warns again
LOADED = (
    "imread",
    "ImageIOFactory",
    "CommonEnums",
    "MetaImageIO",
    "NrrdImageIO",
    "ImageFileReader",
    "ImageSeriesReader",
    "array_view_from_image",
    "array_from_matrix",
)


def itk_frame(pixels: PixelFile, frame: int) -> NDArray[Any]:
    """Return frame ``frame`` (0-based) before rescale, turned as ITK turns it, ``(rows, columns)`` or RGB.

    ITK reads whole files, so the file of the last call is kept for its other frames.

    Raises:
        RuntimeError, KeyError, TypeError: ITK cannot read the file.
    """
    state = pixels.path.stat()
    values = _all_frames(str(pixels.path), state.st_mtime_ns, state.st_size)
    rows, columns = pixels.header.size
    found = values.reshape(-1, rows, columns, pixels.channels)[frame]
    slope, intercept = frame_rescale(pixels.header, frame)
    if (slope, intercept) != (1.0, 0.0):
        found = np.rint((found.astype(np.float64) - intercept) / slope).astype(np.int32)
    frames: NDArray[Any] = found[..., 0] if pixels.channels == 1 else found
    return frames


@lru_cache(maxsize=1)
def _all_frames(path: str, changed: int, size: int) -> NDArray[Any]:
    """Return all frames of the file ``path``, after rescale; ``changed`` and ``size`` tell its version."""
    itk = loaded_itk()
    values: NDArray[Any] = np.array(itk.array_view_from_image(itk.imread(path)))
    return values


@cache
def loaded_itk() -> Any:
    """Return itk with what reading needs already loaded.

    Its bindings warn while they load and again when Python ends. If warnings are errors, that ends the process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import itk

        for name in LOADED:
            getattr(itk, name)
    warnings.filterwarnings("ignore", "builtin type swigvarlink", DeprecationWarning)
    return itk
