"""Any source of DICOM without the text that may be burned into its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data.dicom.burned_in import may_hold_text, region_mask, text_warnings, without_text
from monai_das.data.source import SliceSource, checked_indices
from monai_das.transforms.thumbnails import make_thumbnails

if TYPE_CHECKING:
    from pydicom import Dataset


def masked_source(source: SliceSource) -> SliceSource:
    """Return ``source`` with pixels outside its declared ultrasound regions 0; itself where there is nothing to mask.

    Where text may be burned in and no region fits, its ``warnings`` say so.
    """
    first = source.pixel_header(0)
    if first is None or not may_hold_text(first):
        return source
    many = source.refs[0].frame is None
    headers = [
        found for index in range(len(source) if many else 1) if (found := source.pixel_header(index)) is not None
    ]
    source.warnings = (*source.warnings, *text_warnings(headers))
    return source if all(region_mask(header) is None for header in headers) else MaskedSource(source, headers)


class MaskedSource(SliceSource):
    """``source`` with 0 outside the declared ultrasound regions, for people and network alike.

    Args:
        source: the study.
        headers: the header of each slice, or one header of the object that holds all slices.
    """

    def __init__(self, source: SliceSource, headers: Sequence[Dataset]) -> None:
        self.source, self.headers = source, tuple(headers)
        self.name, self.kind, self.refs = source.name, source.kind, source.refs
        self.affine, self.channels, self.plane_shape = source.affine, source.channels, source.plane_shape
        self.warnings, self.part = source.warnings, source.part
        self.files, self.versions = source.files, source.versions

    def thumbnails(self, size: int) -> Tensor:
        """Return all slices small; a pixel that lies partly outside the regions is 0. See :class:`SliceSource`."""
        return self.several_thumbnails([size])[0]

    def several_thumbnails(self, sizes: Sequence[int]) -> list[Tensor]:
        """Return all slices in several small sizes; see :meth:`thumbnails`."""
        inside = torch.from_numpy(
            self._masked(np.ones((1, *self.plane_shape, len(self)), np.float32), range(len(self)))
        )
        found = self.source.several_thumbnails(sizes)
        self.exact_thumbnails, self.drawn = self.source.exact_thumbnails, self.source.drawn
        return [
            small * (make_thumbnails(inside[None], size)[0] > 1 - 1e-4)
            for small, size in zip(found, sizes, strict=True)
        ]

    def read(self, indices: Sequence[int]) -> Tensor:
        """Return the slices ``indices``; see :class:`SliceSource`."""
        places = checked_indices(indices, len(self), self.name)
        return torch.from_numpy(self._masked(self.source.read(places).numpy(), places))

    def header(self, index: int) -> Dataset | None:
        """Return the header of slice ``index``; see :class:`SliceSource`."""
        return self.source.header(index)

    def pixel_header(self, index: int) -> Dataset | None:
        """Return what describes the pixels of slice ``index``; see :class:`SliceSource`."""
        return self.source.pixel_header(index)

    def _masked(self, values: NDArray[np.float32], places: Sequence[int]) -> NDArray[np.float32]:
        """Return ``values`` ``(C, columns, rows, k)`` of the slices ``places`` without text."""
        headers = self.headers if len(self.headers) == 1 else [self.headers[place] for place in places]
        return without_text(values, headers)
