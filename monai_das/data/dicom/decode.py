"""The only place where DICOM pixels are decoded: one frame at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_das.data.dicom.bare import read_dataset
from monai_das.data.dicom.charls import charls, charls_frame
from monai_das.data.dicom.codestream import coded_size, has_end
from monai_das.data.dicom.itk_decode import itk_frame
from monai_das.data.dicom.pixel_file import PixelFile
from monai_das.data.messages import StudyError

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
# of more than 8 bits: pydicom has it from pylibjpeg-libjpeg alone, which is GPL; ITK's own decoder is Apache-2.0
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
# the fastest first, as measured; pydicom's own decoder of RLE is in Python
PLUGINS = ("pyjpegls", "pylibjpeg", "gdcm", "pillow", "pydicom")
DECODER_ERRORS = (ValueError, RuntimeError, AttributeError, KeyError, TypeError, OSError, EOFError, NotImplementedError)


def decode_frame(pixels: PixelFile, frame: int) -> NDArray[Any]:
    """Return frame ``frame`` (0-based) as ``(rows, columns)`` stored values, or ``(rows, columns, 3)`` RGB.

    The values are those before rescale. Colours are converted as ITK converts them: YBR into RGB, palette colour into
    RGB, MONOCHROME1 into MONOCHROME2, so that bright is always the larger number. Bits above BitsStored are dropped.

    Raises:
        ValueError: the pixels are cut off or damaged, or no decoder for them is installed.
    """
    try:
        if pixels.plain:
            return _as_shown(pixels, _plain_frame(pixels, frame))
        if by_charls(pixels):
            data, allocated = encoded_frame(pixels, frame), pixels.bits[0]
            return _as_shown(pixels, charls_frame(data, pixels.header.size, allocated, signed=pixels.signed))
        if _for_itk(pixels):
            encoded_frame(pixels, frame)  # says so where the picture is of another size
            return itk_frame(pixels, frame)
        return _as_shown(pixels, _decoded_frame(pixels, frame))
    except StudyError:
        raise
    except DECODER_ERRORS as error:
        raise StudyError(
            pixels.path,
            f"the pixels of frame {frame + 1} cannot be decoded; they are damaged or of a kind that no "
            "decoder here knows: copy or export the file again",
            texts=[_short(error)],
        ) from error


def encoded_frame(pixels: PixelFile, frame: int) -> bytes:
    """Return the compressed bytes of frame ``frame`` (0-based), without reading the other frames where that can be.

    Raises:
        ValueError: they end too early, or are of a picture with another size or other samples than the header's.
    """
    found = _stored_frame(pixels, frame)
    if pixels.syntax in JPEG_LS and not has_end(found):
        raise pixels.cut_off(f"frame {frame + 1} is a JPEG-LS picture without its end (FF D9)")
    if (size := coded_size(found)) is None:
        return found
    rows, columns, samples = size
    wanted_rows, wanted_columns = pixels.header.size
    # a picture of 0 rows says their number at its end
    if (rows or wanted_rows, columns, samples) != (wanted_rows, wanted_columns, pixels.samples):
        raise StudyError(
            pixels.path,
            f"frame {frame + 1} is a compressed picture of {rows} rows and {columns} columns of {samples} samples, "
            f"but Rows, Columns and SamplesPerPixel (0028,0010, 0011 and 0002) are {wanted_rows}, {wanted_columns} "
            f"and {pixels.samples}; repair the header",
        )
    return found


def _stored_frame(pixels: PixelFile, frame: int) -> bytes:
    from pydicom.encaps import get_frame

    if pixels.value_at is None:
        return get_frame(read_dataset(pixels.path).PixelData, frame, number_of_frames=pixels.header.frames)
    if pixels.header.frames == 1:
        return pixels.fragments()
    with pixels.path.open("rb") as stream:
        if pixels.frames_at is not None:
            place, length = pixels.frames_at[frame]
            stream.seek(place)
            found = stream.read(length)
            if len(found) < length:
                raise pixels.cut_off(f"{length} bytes of a compressed frame expected, {len(found)} found")
            return found
        stream.seek(pixels.value_at)
        return get_frame(stream, frame, number_of_frames=pixels.header.frames)


def by_charls(pixels: PixelFile) -> bool:
    """Say whether CharLS itself decodes the file, several frames at once; plug-ins let one thread work at a time."""
    grey_jpeg_ls = pixels.syntax in JPEG_LS and pixels.samples == 1
    return grey_jpeg_ls and pixels.value_at is not None and "pyjpegls" in PLUGINS and charls() is not None


def plugin_for(syntax: str, installed: tuple[str, ...]) -> str | None:
    """Return which of the ``installed`` plug-ins of pydicom decodes ``syntax`` fastest; None if no plug-in does."""
    order = ("pillow", *PLUGINS) if syntax == JPEG_BASELINE else PLUGINS
    return next((plugin for plugin in order if plugin in installed), None)


def _for_itk(pixels: PixelFile) -> bool:
    """Say whether no plug-in of pydicom decodes the file; a plain install has few plug-ins."""
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    if pixels.syntax == JPEG_EXTENDED and pixels.bits[1] > 8:
        return True
    syntax = UID(pixels.syntax)
    return syntax.is_encapsulated and plugin_for(syntax, get_decoder(syntax).available_plugins) is None


def _plain_frame(pixels: PixelFile, frame: int) -> NDArray[Any]:
    """Return uncompressed grey values, whole numbers or floats, read from their place in the file."""
    (allocated, stored), (rows, columns) = pixels.bits, pixels.header.size
    values = np.empty((rows, columns), pixels.dtype)
    size = values.nbytes
    assert pixels.value_at is not None
    with pixels.path.open("rb", buffering=0) as stream:
        stream.seek(pixels.value_at + frame * size)
        found = stream.readinto(values.data.cast("B"))
    if found < size:
        raise pixels.cut_off(f"{size} bytes of a frame expected, {found} found")
    if stored < allocated and "f" not in pixels.dtype:
        values <<= allocated - stored
        values >>= allocated - stored
    return values


def _decoded_frame(pixels: PixelFile, frame: int) -> NDArray[Any]:
    """Return what pydicom's decoders make of a frame; YBR is RGB then."""
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    syntax = UID(pixels.syntax)
    decoder = get_decoder(syntax)
    if not decoder.is_native:
        plugin = plugin_for(syntax, decoder.available_plugins)
        (allocated, stored), (rows, columns) = pixels.bits, pixels.header.size
        options: Any = {
            "rows": rows,
            "columns": columns,
            "samples_per_pixel": pixels.samples,
            "photometric_interpretation": pixels.photometric,
            "bits_allocated": allocated,
            "bits_stored": stored,
            "pixel_representation": int(pixels.signed),
            "planar_configuration": int(pixels.header.number("PlanarConfiguration", 0)),
            "number_of_frames": 1,
            "pixel_keyword": "PixelData",
        }
        data = encapsulate([encoded_frame(pixels, frame)], has_bot=False)
        values, _ = decoder.as_array(data, index=0, decoding_plugin=plugin or "", **options)
        return values
    values, _ = decoder.as_array(read_dataset(pixels.path), index=frame)
    return values


def _as_shown(pixels: PixelFile, values: NDArray[Any]) -> NDArray[Any]:
    if pixels.photometric == "PALETTE COLOR":
        return palette_colour(pixels, values)
    if pixels.photometric == "MONOCHROME1":
        return inverted(values, pixels)
    return values


def inverted(values: NDArray[Any], pixels: PixelFile) -> NDArray[Any]:
    """Return stored ``values`` mirrored in their range, as ITK does for MONOCHROME1."""
    return ~values if pixels.signed else (2 ** pixels.bits[1] - 1) - values


def palette_colour(pixels: PixelFile, values: NDArray[Any]) -> NDArray[Any]:
    """Return RGB of ``values`` through the file's own palette: 8 bits, the upper ones of a palette of 16, as ITK."""
    from pydicom.pixels.processing import apply_color_lut

    colours = apply_color_lut(values, pixels.header.tags)
    return colours if colours.dtype == np.uint8 else (colours >> 8).astype(np.uint8)


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
