"""The seam between files and networks: thumbnails of all slices, and chosen slices, without decoding the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from monai.data import MetaTensor
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data.slice_ref import SliceRef
from monai_das.data.volume import VolumeCase, as_image, nifti_volume
from monai_das.transforms.thumbnails import make_thumbnails

if TYPE_CHECKING:
    from pydicom import Dataset


class SliceSource(ABC):
    """Abstract: one study, whose slices are decoded only when asked for.

    Attributes:
        name: path or address, for messages; may hold patient data.
        kind: ``"nifti"``, ``"dicom_series"``, ``"dicom_multiframe"``, ``"video"`` or ``"dicomweb"``.
        refs: one :class:`SliceRef` per slice, in the source's own order.
        affine: ``(4, 4)`` from (column, row, slice) to mm in RAS; None where there is no anatomy, as in a clip.
        channels: C, 1 for grey and 3 for RGB.
        plane_shape: ``(columns, rows)`` of a slice, in pixels.
        warnings: what to know before sharing the pixels, as burned-in text that could not be masked.
        exact_thumbnails: whether the thumbnails made last are those of the decoded slices, but for rounding; false
            where a coarse level of a wavelet or a server's picture stood for a slice.
    """

    name: str
    kind: str
    refs: tuple[SliceRef, ...]
    affine: NDArray[np.float64] | None
    channels: int
    plane_shape: tuple[int, int]
    warnings: tuple[str, ...] = ()
    exact_thumbnails: bool = True

    def __len__(self) -> int:
        """Return D, the number of slices."""
        return len(self.refs)

    @abstractmethod
    def thumbnails(self, size: int) -> Tensor:
        """Return all slices small, ``(C, size, size, D)`` float32, columns first, in the units of :meth:`read`."""

    @abstractmethod
    def read(self, indices: Sequence[int]) -> Tensor:
        """Return the slices ``indices`` as ``(C, columns, rows, k)`` float32 after rescale, in the order asked for.

        Raises:
            ValueError: an index is out of range, or pixels cannot be decoded.
        """

    def header(self, index: int) -> Dataset | None:
        """Return the header of the DICOM object that holds slice ``index``, without pixels; None outside DICOM."""
        return None

    def read_all(self) -> MetaTensor:
        """Return all slices ``(C, columns, rows, D)`` float32; its affine is the identity where there is no anatomy."""
        return as_image(self.read(range(len(self))).numpy(), self.full_affine(), self.name)

    def full_affine(self) -> NDArray[np.float64]:
        """Return the affine, the identity where there is no anatomy."""
        return np.eye(4) if self.affine is None else self.affine

    def thumbnail_affine(self, size: int) -> NDArray[np.float64]:
        """Return the affine of thumbnails of ``size`` pixels a side: larger pixels over the same field of view."""
        scale = np.eye(4)
        for axis, side in enumerate(self.plane_shape):
            scale[axis, axis] = side / size
            scale[axis, 3] = 0.5 * side / size - 0.5
        affine: NDArray[np.float64] = self.full_affine() @ scale
        return affine


class WholeSource(SliceSource):
    """A study that was read whole: for files that cannot be read in part, as ``.nii.gz``.

    Args:
        case: what :func:`read_volume` returned.
        name: path, for messages.
    """

    def __init__(self, case: VolumeCase, name: str) -> None:
        self.name = name
        self.kind = case.kind
        self.refs = case.refs
        self.affine = np.asarray(case.image.affine, dtype=np.float64) if case.has_anatomy else None
        self.volume: Tensor = case.image.as_tensor()
        self.channels = int(self.volume.shape[0])
        self.plane_shape = (int(self.volume.shape[1]), int(self.volume.shape[2]))
        self.warnings = case.warnings

    def thumbnails(self, size: int) -> Tensor:
        """Return all slices small; see :class:`SliceSource`."""
        return make_thumbnails(self.volume[None], size)[0]

    def read(self, indices: Sequence[int]) -> Tensor:
        """Return the slices ``indices``; see :class:`SliceSource`."""
        return self.volume[..., checked_indices(indices, len(self), self.name)]


def checked_indices(indices: Sequence[int], depth: int, name: str) -> list[int]:
    """Return ``indices`` as a list of int; raise ``ValueError`` unless all are in ``[0, depth)``."""
    places = [int(place) for place in indices]
    wrong = [place for place in places if not 0 <= place < depth]
    if wrong:
        raise ValueError(f"{name}: slice {wrong[0]} asked for, there are slices 0 to {depth - 1}")
    return places


def open_source(
    path: str | PathLike[str], choose: Mapping[str, object] | None = None, session: Any = None
) -> SliceSource:
    """Return the :class:`SliceSource` of a study; arguments and errors are those of :func:`read_volume`.

    ``path`` may also be a video, or the address of a study, series or object on a DICOMweb server, which is asked by
    ``session``: see :class:`DICOMwebSource`.

    DICOM is opened by its headers and ``.nii`` is memory-mapped: only the slices asked for are decoded. ``.nii.gz`` is
    read whole, once.

    Example:
        >>> from monai_das.datasets import make_sample_volumes, write_nifti
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_nifti(make_sample_volumes(1, 32)[0]["image"][0], f"{folder}/case.nii.gz")
        ...     source = open_source(f"{folder}/case.nii.gz")
        >>> len(source), source.thumbnails(16).shape, source.read([3, 5]).shape
        (32, torch.Size([1, 16, 16, 32]), torch.Size([1, 32, 32, 2]))
    """
    from monai_das.data.dicom.masked import masked_source
    from monai_das.data.dicom.source import DICOMSource
    from monai_das.data.kinds import special_source
    from monai_das.data.nifti.source import NIfTISource

    special = special_source(path, choose, session)
    if special is not None:
        return masked_source(special)
    name = str(path).lower()
    if name.endswith(".nii.gz"):
        return WholeSource(nifti_volume(Path(path), choose), str(path))
    return NIfTISource(Path(path), choose) if name.endswith(".nii") else masked_source(DICOMSource(path, choose))
