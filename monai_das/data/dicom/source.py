"""DICOM series and multi-frame objects, of which only the frames asked for are decoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data.at_once import at_once, processors
from monai_das.data.budget import PLANES, limit
from monai_das.data.dicom.bare import read_dataset
from monai_das.data.dicom.decode import by_charls, decode_frame
from monai_das.data.dicom.frames import frame_rescale
from monai_das.data.dicom.pixel_file import PixelFile, check_pixels
from monai_das.data.dicom.reduced import reduced_frame
from monai_das.data.dicom.stack import DICOMStack, dicom_stack
from monai_das.data.dicom.stack_geometry import StackGeometry, geometry_of
from monai_das.data.dicom.strays import raise_lost
from monai_das.data.extremes import with_exact_range
from monai_das.data.source import SliceSource, checked_indices, read_thumbnail
from monai_das.transforms.thumbnails import make_thumbnails

if TYPE_CHECKING:
    from pydicom import Dataset

# slices of a coarse series that are decoded whole beside the first guesses, to know its range
MOST_DECODED = 2
# float32 holds all whole numbers up to here
EXACT = 2**24


class DICOMSource(SliceSource):
    """A DICOM series, or the frames of one object: opened by headers, decoded frame by frame.

    Values are rescaled with each slice's own slope and intercept; MONOCHROME1 is mirrored in its stored range, YBR and
    palette colour become RGB, all as ITK does it. No window is applied. Missing slices, uneven spacing and gantry tilt
    are not errors: ``warnings`` reports them.

    Args:
        path: a folder with one series, or a DICOM file.
        choose: as for :func:`monai_das.data.dicom_slice_refs`.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: as :func:`monai_das.data.dicom_slice_refs`; no pixels are read.
    """

    def __init__(self, path: str | PathLike[str], choose: Mapping[str, object] | None = None) -> None:
        stack = dicom_stack(Path(path), choose)
        self.name = str(path)
        self.kind = "dicom_series" if stack.frame_order is None else "dicom_multiframe"
        self.refs, self.files = stack.refs, stack.files
        self.versions = tuple(header.version for header in stack.headers)
        self.affine = stack.affine
        geometry = geometry_of(stack)
        _check_gaps(stack, geometry, path)
        notes = () if stack.beside is None else stack.beside.notes
        self.warnings = (*(() if geometry is None else geometry.warnings), *stack.warnings, *notes)
        self._places = _places(stack, self.name)
        self._rescale = [frame_rescale(pixels.header, frame) for pixels, frame in self._places]
        first = self._places[0][0]
        self.channels = first.channels
        rows, columns = first.header.size
        self.plane_shape = (columns, rows)
        self._headers: dict[Path, Dataset] = {}

    def thumbnails(self, size: int) -> Tensor:
        """Return all slices small; see :meth:`several_thumbnails`."""
        return self.several_thumbnails([size])[0]

    def several_thumbnails(self, sizes: Sequence[int]) -> list[Tensor]:
        """Return all slices in several small sizes; see :class:`SliceSource`.

        JPEG 2000 is decoded at a reduced resolution, below twice each size, and the slices that may hold the lowest and
        highest value whole, so that the range is exact. All other frames are decoded once and shrunk at once, so that
        no more are in memory than threads decode them.
        """
        found = [np.empty((len(self), size, size, self.channels), dtype=np.float32) for size in sizes]
        shrink = partial(self._shrink_into, found, sizes)
        coarse = set().union(*at_once(shrink, range(len(self)), self._at_once(), computes=True))
        slopes, intercepts = np.array(self._rescale, dtype=np.float32).T[..., None, None, None]
        for small in found:
            small *= slopes
            small += intercepts
        self.exact_thumbnails = sizes[0] not in coarse
        tensors = [torch.from_numpy(small).permute(3, 2, 1, 0) for small in found]
        return [self._ranged(small) if size in coarse else small for small, size in zip(tensors, sizes, strict=True)]

    def _ranged(self, small: Tensor) -> Tensor:
        """Return the coarse thumbnails ``(C, size, size, D)`` with exact ones of the slices of the extremes."""
        exact = partial(read_thumbnail, self, size=small.size(1))
        planes = small.flatten(0, 2)
        places = {int(planes.amax(dim=0).argmax()), int(planes.amin(dim=0).argmin())}
        step = max(abs(slope) for slope, _ in self._rescale)
        return with_exact_range(small, step, {place: exact(place) for place in places}, exact, MOST_DECODED)

    def read(self, indices: Sequence[int]) -> Tensor:
        """Return the slices ``indices``; see :class:`SliceSource`. The slices are the outermost axis in memory."""
        chosen = checked_indices(indices, len(self), self.name)
        columns, rows = self.plane_shape
        found = np.empty((len(chosen), rows, columns, self.channels), dtype=np.float32)

        def decode(place: int) -> None:
            index = chosen[place]
            values = decode_frame(*self._places[index])
            found[place] = rescaled(values, *self._rescale[index]).reshape(rows, columns, -1)

        at_once(decode, range(len(chosen)), self._at_once())
        return torch.from_numpy(found).permute(3, 2, 1, 0)

    def _shrink_into(self, found: Sequence[NDArray[Any]], sizes: Sequence[int], index: int) -> set[int]:
        """Write slice ``index`` into ``found``, thumbnails in ``sizes``, and return which sizes are coarse."""
        pixels, frame = self._places[index]
        coarse: set[int] = set()
        whole: NDArray[Any] | None = None
        for small, size in zip(found, sizes, strict=True):
            values = reduced_frame(pixels, frame, size)
            if values is None:
                values = whole = decode_frame(pixels, frame) if whole is None else whole
            else:
                coarse.add(size)
            shrunk = values if values.shape[:2] == (size, size) else _shrunk(values, size)
            small[index] = shrunk.reshape(size, size, -1)
        return coarse

    def _at_once(self) -> int:
        """Return how many slices to decode at once, so that they fit into the memory; one where threads do not pay.

        They pay for JPEG-LS alone: uncompressed slices take longer by two threads than by one, and other decoders let
        one thread work at a time.
        """
        if not all(by_charls(pixels) for pixels, _ in self._places):
            return 1
        columns, rows = self.plane_shape
        return min(processors(), limit() // (PLANES * 4 * columns * rows * self.channels))

    def header(self, index: int) -> Dataset:
        """Return all tags before the pixels of the object that holds slice ``index``, read once."""
        (place,) = checked_indices([index], len(self), self.name)
        path = self._places[place][0].path
        if path not in self._headers:
            self._headers[path] = read_dataset(path, stop_before_pixels=True)
        return self._headers[path]

    def pixel_header(self, index: int) -> Dataset:
        """Return the tags that opening has read; see :class:`SliceSource`."""
        (place,) = checked_indices([index], len(self), self.name)
        return self._places[place][0].header.tags


def _check_gaps(stack: DICOMStack, geometry: StackGeometry | None, path: str | PathLike[str]) -> None:
    """Raise ``ValueError`` if a slice is missing while a file that cannot be read lies beside the others."""
    if stack.beside is None or not stack.beside.beside:
        return
    numbers = {header.number("InstanceNumber", -1) for header in stack.headers}
    gap = len(numbers) == len(stack.headers) and max(numbers) - min(numbers) >= len(numbers)
    if gap or (geometry is not None and geometry.missing):
        raise_lost(stack.beside.beside, Path(path))


def _shrunk(values: NDArray[Any], size: int) -> NDArray[np.float32]:
    """Return ``values`` ``(rows, columns[, 3])`` with ``size`` pixels a side."""
    image = torch.from_numpy(values.astype(np.float32)).view(*values.shape[:2], -1).permute(2, 0, 1)
    return cast(
        "NDArray[np.float32]", make_thumbnails(image[None, ..., None], size)[0, ..., 0].permute(1, 2, 0).numpy()
    )


def rescaled(values: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """Return ``values * slope + intercept``: exactly where these are whole numbers, else summed in float64."""
    if (slope, intercept) == (1.0, 0.0):
        return values
    if values.dtype.kind == "f":
        return values.astype(np.float64) * slope + intercept
    whole = slope == int(slope) and intercept == int(intercept)
    reach = np.iinfo(values.dtype).max * abs(slope) + abs(intercept) if whole else EXACT
    scaled = cast("NDArray[np.float64]", values.astype(np.float32 if reach < EXACT else np.float64))
    scaled *= slope
    scaled += intercept
    return scaled


def _places(stack: DICOMStack, path: str) -> list[tuple[PixelFile, int]]:
    """Return the file and the 0-based frame of every slice."""
    files = [PixelFile(header) for header in stack.headers]
    check_pixels(files, path)
    return [(file, 0) for file in files] if stack.frame_order is None else [(files[0], at) for at in stack.frame_order]
