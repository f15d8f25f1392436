"""Pixels through MONAI's own readers: ITK for DICOM, nibabel for NIfTI."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import ITKReader, NibabelReader
from numpy.typing import NDArray

from monai_das.data.dicom import DICOMStack
from monai_das.data.headers import image_header
from monai_das.data.series import TIME_POINT

NIFTI_ERRORS = (OSError, EOFError, ValueError, zlib.error)


def dicom_pixels(stack: DICOMStack, path: Path) -> NDArray[Any]:
    """Return the values ``(C, columns, rows, D)`` of ``stack`` after rescale, in the order of its refs.

    Through :class:`monai.data.ITKReader`, with the files in our order: ITK would take the first series it finds.
    Colour comes as RGB.

    Raises:
        ValueError: pixels cannot be read: cut off, or of a compression or type that ITK does not know.
    """
    _check_colour(stack.files[0])
    files = [str(file) for file in stack.files]
    try:
        image = _itk().imread(files if len(files) > 1 else files[0])
        values, meta = ITKReader().get_data(image)
    except (RuntimeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{_first_unreadable(files)}: ITK cannot read the pixels ({_short(error)}); the file may be cut "
            "off: copy it again, or convert it to uncompressed 8 or 16 bits"
        ) from error
    values = np.moveaxis(values, -1, 0) if meta["original_channel_dim"] == -1 else values[None]
    if values.shape[-1] != len(stack.refs):
        raise ValueError(
            f"{path}: {len(stack.refs)} slices in the header, {values.shape[-1]} in the pixels; copy it again"
        )
    return values if stack.frame_order is None else values[..., list(stack.frame_order)]


def _check_colour(path: Path) -> None:
    """Raise ``ValueError`` for colour of more than 8 bits: ITK's own answer takes seconds and pages."""
    header = image_header(path)
    bits = int(header.tags.BitsAllocated) if header and int(header.tags.get("SamplesPerPixel", 1)) > 1 else 8
    if bits > 8:
        raise ValueError(f"{path}: colour of {bits} bits, ITK reads 8; convert it to 8 bits or to grey")


def nifti_pixels(path: Path, choose: Mapping[str, object] | None = None) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the values ``(1, i, j, k)`` of a NIfTI volume after scaling, and its affine ``(4, 4)`` in RAS mm.

    Through :class:`monai.data.NibabelReader`.

    Args:
        path: the file.
        choose: ``{"time_point": n}``, 0-based, for a file of four dimensions.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: the file is damaged, or neither 3-D nor 4-D with one time point chosen.
    """
    reader = NibabelReader()
    image, point = nifti_image(path, choose, reader)
    try:
        values, meta = reader.get_data(image)
    except NIFTI_ERRORS as error:
        raise _unreadable(path, error) from error
    values = values.reshape(*image.shape[:3], -1)[..., point]
    return values[None], np.asarray(meta["affine"], dtype=np.float64)


def nifti_image(
    path: Path, choose: Mapping[str, object] | None = None, reader: NibabelReader | None = None
) -> tuple[Any, int]:
    """Return nibabel's image, whose voxels are not read yet, and the time point; raises as :func:`nifti_pixels`."""
    from nibabel.filebasedimages import ImageFileError

    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    try:
        image = (reader or NibabelReader()).read(path)
    except (ImageFileError, *NIFTI_ERRORS) as error:
        raise _unreadable(path, error) from error
    return image, _time_point(tuple(image.shape), choose or {}, path)


def _time_point(shape: tuple[int, ...], choose: Mapping[str, object], path: Path) -> int:
    """Return which time point of a NIfTI file is chosen; 0 for one volume."""
    unknown = [keyword for keyword in choose if keyword != TIME_POINT]
    if unknown:
        raise ValueError(f"{path}: NIfTI has no {unknown[0]} to choose by; only {TIME_POINT}, in files of 4 dimensions")
    if not _is_3d(shape) and (len(shape) != 4 or TIME_POINT not in choose):
        raise ValueError(
            f"{path}: a NIfTI file of shape {shape}, that is several time points or channels, or no volume; give one "
            f"3-D volume per file, or choose one of four dimensions by {TIME_POINT}"
        )
    count = 1 if _is_3d(shape) else shape[3]
    if str(choose.get(TIME_POINT, 0)) not in map(str, range(count)):
        raise ValueError(f"{path}: no {TIME_POINT} {choose[TIME_POINT]}; there are 0 to {count - 1}: choose one")
    return int(str(choose.get(TIME_POINT, 0)))


def _unreadable(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path}: the NIfTI file cannot be read ({_short(error)}); copy it again")


def _is_3d(shape: tuple[int, ...]) -> bool:
    return len(shape) >= 3 and all(size == 1 for size in shape[3:])


@cache
def _itk() -> Any:
    """Return itk with what reading needs already loaded.

    Its bindings warn while they load and once more when Python ends; where warnings are errors, the process dies of it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import itk

        for name in ("imread", "ImageFileReader", "ImageSeriesReader", "array_view_from_image", "array_from_matrix"):
            getattr(itk, name)
    warnings.filterwarnings("ignore", "builtin type swigvarlink", DeprecationWarning)
    return itk


def _first_unreadable(files: list[str]) -> str:
    """Return the first of ``files`` that ITK cannot read by itself, or the last one."""
    for file in files[:-1]:
        try:
            _itk().imread(file)
        except (RuntimeError, KeyError, TypeError):
            return file
    return files[-1]


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
