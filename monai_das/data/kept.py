"""A source that keeps what drawing needs of what was read for the network, so that nothing is read twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from monai.data import MetaTensor
from torch import Tensor
from torch.nn.functional import interpolate

from monai_das.data.source import LEAST_SIDE, SliceSource
from monai_das.transforms.thumbnails import make_thumbnails

if TYPE_CHECKING:
    from pydicom import Dataset

# of a slice that is drawn with all its values, of a preview, and of an overview where none is kept; in pixels
LONGEST_SIDE, PREVIEW_SIDE, OVERVIEW_SIDE = 1024, 256, 64
# of the slices that are kept, and of all previews, in bytes
MOST_KEPT, MOST_PREVIEWS = 128 << 20, 96 << 20


class KeptSource(SliceSource):
    """``source``, which keeps the slices it read last, at most 1024 pixels a side, and its thumbnails.

    Args:
        source: the study.
        previews: also make previews of all slices, at most 256 pixels a side, while thumbnails are made.
    """

    def __init__(self, source: SliceSource, *, previews: bool = False) -> None:
        self.source, self.wants_previews = source, previews
        self.name, self.kind, self.refs, self.affine = source.name, source.kind, source.refs, source.affine
        self.channels, self.plane_shape = source.channels, source.plane_shape
        self.warnings, self.part = source.warnings, source.part
        self.files, self.versions = source.files, source.versions
        pixel = 4 * source.channels * len(source)
        most = int((MOST_PREVIEWS / pixel) ** 0.5)
        self.preview_side = max(LEAST_SIDE, min(PREVIEW_SIDE, most, max(source.plane_shape)))
        self._thumbnails: dict[int, Tensor] = {}
        self._slices: dict[int, Tensor] = {}

    def thumbnails(self, size: int) -> Tensor:
        """Return all slices small, made once; see :class:`SliceSource`."""
        if size not in self._thumbnails:
            sizes = [size, *({self.preview_side} - {size, *self._thumbnails} if self.wants_previews else ())]
            self._thumbnails.update(zip(sizes, self.source.several_thumbnails(sizes), strict=True))
            self.exact_thumbnails, self.drawn = self.source.exact_thumbnails, self.source.drawn
        return self._thumbnails[size]

    def read(self, indices: Sequence[int]) -> Tensor:
        """Return the slices ``indices``; see :class:`SliceSource`. They are kept instead of those of the last call."""
        found = self.source.read(indices)
        self._slices = {}
        left = MOST_KEPT
        for place, index in enumerate(indices):
            kept = _compact(reduced(found[..., place]))
            left -= kept.nbytes
            if left < 0:
                break
            self._slices[index] = kept
        return found

    def read_all(self) -> MetaTensor:
        """Return all slices; see :class:`SliceSource`. Of them only thumbnails are kept."""
        image = self.source.read_all()
        sizes = {OVERVIEW_SIDE, *([self.preview_side] if self.wants_previews else ())}
        self._thumbnails.update({size: make_thumbnails(image.as_tensor()[None], size)[0] for size in sizes})
        return image

    def header(self, index: int) -> Dataset | None:
        """Return the header of slice ``index``; see :class:`SliceSource`."""
        return self.source.header(index)

    def pixel_header(self, index: int) -> Dataset | None:
        """Return what describes the pixels of slice ``index``; see :class:`SliceSource`."""
        return self.source.pixel_header(index)

    def keep(self, indices: Sequence[int]) -> None:
        """Read and keep the slices ``indices``, unless they are kept already."""
        if not all(index in self._slices for index in indices):
            self.read(indices)

    def large(self, indices: Sequence[int]) -> list[Tensor]:
        """Return each of ``indices`` ``(C, columns, rows)`` with all its values, at most 1024 pixels a side.

        Only what is not kept is read.
        """
        missing = [index for index in indices if index not in self._slices]
        read = dict(zip(missing, self.source.read(missing).unbind(-1), strict=True)) if missing else {}
        return [reduced(read[index]) if index in read else self._slices[index].float() for index in indices]

    def overview(self) -> Tensor:
        """Return all slices small, ``(C, side, side, D)``, of the size that is kept."""
        return next(iter(self._thumbnails.values())) if self._thumbnails else self.thumbnails(OVERVIEW_SIDE)

    def previews(self) -> Tensor:
        """Return all slices ``(C, side, side, D)``, :attr:`preview_side` pixels a side whatever their shape."""
        return self.thumbnails(self.preview_side)


def reduced(image: Tensor, longest: int = LONGEST_SIDE) -> Tensor:
    """Return ``image`` ``(C, columns, rows)`` at no more than ``longest`` pixels a side, as means."""
    shrink = longest / max(image.shape[1:])
    if shrink >= 1:
        return image
    return interpolate(image[None], size=[max(1, round(side * shrink)) for side in image.shape[1:]], mode="area")[0]


def _compact(image: Tensor) -> Tensor:
    """Return a copy of ``image``, of two bytes a value where this loses nothing."""
    small = image.to(torch.int16)
    return small if torch.equal(small.to(image.dtype), image) else image.clone()
