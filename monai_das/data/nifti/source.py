"""NIfTI files that are not compressed: memory-mapped, so that only the slices asked for leave the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data.messages import StudyError
from monai_das.data.nifti.placed import placed
from monai_das.data.nifti.volume import kind_of, nibabel_files, nifti_image, warnings_of
from monai_das.data.refs import affine_refs
from monai_das.data.source import SliceSource, checked_indices
from monai_das.transforms.thumbnails import make_thumbnails


class NIfTISource(SliceSource):
    """An uncompressed NIfTI file (``.nii``): a volume, or one time point of several.

    Args:
        path: the file; a compressed one is read faster whole, as :class:`WholeSource`.
        choose: ``{"time_point": n}``, 0-based, for a file of four dimensions.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: the file is damaged, or neither 3-D nor 4-D with one time point chosen. Voxels that are cut off are
            found when they are read.
    """

    def __init__(self, path: Path, choose: Mapping[str, object] | None = None) -> None:
        self._image, self._point = nifti_image(path, choose)
        self.name, self.kind = str(path), kind_of(self._image)
        self.files, self.part = nibabel_files(self._image), str(self._point)
        self.affine, warnings = placed(self._image, path)
        self.warnings = (*warnings, *warnings_of(self._image))
        self.plane_shape = (int(self._image.shape[0]), int(self._image.shape[1]))
        self.refs = affine_refs(self.affine, int(self._image.shape[2]))
        self.channels = 1

    def thumbnails(self, size: int) -> Tensor:
        """Return all slices small, one read after the other; see :class:`SliceSource`."""
        return self.several_thumbnails([size])[0]

    def several_thumbnails(self, sizes: Sequence[int]) -> list[Tensor]:
        """Return all slices in several small sizes, each read once; see :class:`SliceSource`."""
        found: list[list[Tensor]] = [[] for _ in sizes]
        for at in range(len(self)):
            whole = torch.from_numpy(self._slice(at))[None, None, ..., None]
            for small, size in zip(found, sizes, strict=True):
                small.append(make_thumbnails(whole, size))
        return [torch.cat(small, dim=4)[0] for small in found]

    def read(self, indices: Sequence[int]) -> Tensor:
        """Return the slices ``indices``; see :class:`SliceSource`. The slices are the outermost axis in memory."""
        chosen = checked_indices(indices, len(self), self.name)
        found = np.empty((len(chosen), *self.plane_shape), dtype=np.float32)
        for place, index in enumerate(chosen):
            found[place] = self._slice(index)
        return torch.from_numpy(found).permute(1, 2, 0)[None]

    def _slice(self, index: int) -> NDArray[np.float32]:
        """Return one slice ``(i, j)`` after scaling."""
        # a file that says 5 dimensions of which the last are 1 has one time point
        rest = (self._point, *(0,) * (len(self._image.shape) - 4)) if len(self._image.shape) > 3 else ()
        values: Any = self._image.dataobj[(slice(None), slice(None), index, *rest)]
        try:
            return np.array(values, dtype=np.float32).reshape(self.plane_shape)
        except (OSError, ValueError) as error:
            raise StudyError(
                self.name, f"slice {index} cannot be read; copy the file again", texts=[str(error)]
            ) from error
