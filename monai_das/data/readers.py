"""Readers for MONAI's ``LoadImage`` of what :func:`open_source` opens: whole volumes, or a few frames of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from os import fspath
from typing import Any

import numpy as np
from monai.config.type_definitions import PathLike
from monai.data import ImageReader
from monai.utils import MetaKeys, ensure_tuple
from numpy.typing import NDArray

from monai_das.data.open import open_source, read_volume
from monai_das.data.source import LUMINANCE, SliceSource, as_image


class DASVolumeReader(ImageReader):
    """:func:`read_volume` for MONAI: ``LoadImaged(keys, reader="monai_das.data.DASVolumeReader")``.

    It reads videos too. Unlike with MONAI's own readers, a folder with several series or time points is an error, never
    a guess. Give ``ensure_channel_first=True`` or apply ``EnsureChannelFirstd``: the channel is the first axis.
    """

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Say that every file may be tried."""
        return True

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> tuple[str, ...]:
        """Return the paths in ``data`` unread: ``LoadImage`` would answer an error here by trying other readers."""
        return tuple(fspath(path) for path in ensure_tuple(data))

    def get_data(self, img: tuple[str, ...]) -> tuple[NDArray[Any], dict[str, Any]]:
        """Read the one path in ``img``; raises as :func:`read_volume`."""
        if len(img) != 1:
            raise ValueError(f"give one path per image, got {len(img)}: {', '.join(img)}")
        image = read_volume(img[0]).image
        meta = dict(image.meta)
        meta[MetaKeys.AFFINE] = np.asarray(image.affine)
        return np.asarray(image), meta


class DASClipReader(ImageReader):
    """A clip for MONAI: ``LoadImaged(keys, reader="monai_das.data.DASClipReader", max_slices=32)``.

    All that :func:`open_source` opens can be read: videos, multi-frame DICOM, series, NIfTI. If there are more than
    ``max_slices``, that number of evenly spaced slices is taken, the first and the last among them. The other slices
    are not converted, and not decoded where keyframes allow that. Give ``ensure_channel_first=True``: the channel is
    the first axis.

    Args:
        max_slices: the largest number of slices to read, at least 1; None for all of them.
        channels: 1 makes luminance of colour, ``0.299 R + 0.587 G + 0.114 B`` (Rec. 601), as prediction does; None
            leaves what the file holds.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> DASClipReader(max_slices=4).places(101).tolist()
        [0, 33, 67, 100]
    """

    def __init__(self, max_slices: int | None = None, channels: int | None = 1) -> None:
        super().__init__()
        if max_slices is not None and max_slices < 1:
            raise ValueError(f"max_slices must be at least 1, or None for all, got {max_slices}")
        if channels not in (None, 1):
            raise ValueError(f"channels must be 1, or None for what the file holds, got {channels}")
        self.max_slices = max_slices
        self.channels = channels

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Say that every file may be tried."""
        return True

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> tuple[str, ...]:
        """Return the paths in ``data`` unread: ``LoadImage`` would answer an error here by trying other readers."""
        return tuple(fspath(path) for path in ensure_tuple(data))

    def get_data(self, img: tuple[str, ...]) -> tuple[NDArray[Any], dict[str, Any]]:
        """Read the one path in ``img``: ``(C, columns, rows, D)`` float32 and its meta; raises as :func:`open_source`.

        ``meta["slices"]`` says which slices of the source these are.
        """
        if len(img) != 1:
            raise ValueError(f"give one path per clip, got {len(img)}: {', '.join(img)}")
        source = open_source(img[0])
        places = self.places(len(source))
        values = self._with_channels(source.read(places.tolist()).numpy())
        image = as_image(values, _affine(source, places), source.name)
        meta = {**image.meta, "slices": places, MetaKeys.AFFINE: np.asarray(image.affine)}
        return np.asarray(image), meta

    def places(self, depth: int) -> NDArray[np.int64]:
        """Return which of ``depth`` slices are read, ascending and distinct."""
        count = depth if self.max_slices is None else min(depth, self.max_slices)
        if count == 1:
            return np.array([depth // 2])
        return np.round(np.linspace(0, depth - 1, count)).astype(np.int64)

    def _with_channels(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``values`` ``(C, columns, rows, D)`` with the channels asked for."""
        if self.channels is None or len(values) == 1:
            return values
        weights = np.asarray(LUMINANCE, np.float32)
        grey: NDArray[np.float32] = np.einsum("c,cwhd->whd", weights, values)[None]
        return grey


def _affine(source: SliceSource, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the affine of the slices ``places``, with their mean distance."""
    affine = source.full_affine().copy()
    if source.affine is not None and len(places) > 1:
        affine[:3, 3] += affine[:3, 2] * places[0]
        affine[:3, 2] *= (places[-1] - places[0]) / (len(places) - 1)
    return affine
