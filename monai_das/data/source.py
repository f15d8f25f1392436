"""What files give to networks: identities of slices, and studies whose slices are decoded on demand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.utils.enums import MetaKeys, SpaceKeys
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data.at_once import REQUESTS_AT_ONCE, at_once
from monai_das.data.boundary import at_boundary
from monai_das.data.budget import PLANES, check_memory, limit
from monai_das.data.file_versions import FileVersion
from monai_das.data.messages import StudyError
from monai_das.transforms.thumbnails import make_thumbnails

if TYPE_CHECKING:
    from pydicom import Dataset

# what chooses one of several volumes in one file or series, for want of a tag that does
TIME_POINT = "time_point"
# Rec. 601
LUMINANCE = (0.299, 0.587, 0.114)
# of a slice: scores look at the neighbours of a pixel
LEAST_SIDE = 3


@dataclass(frozen=True)
class SliceRef:
    """One slice or frame of a source, found again in any viewer.

    Attributes:
        index: place in the source's own order, 0-based. For a DICOM series that is the order along the slice normal,
            for multi-frame volumes too; for a clip the order of time; for NIfTI and arrays the order of the third axis.
        sop_instance_uid: (0008,0018) of the DICOM object that holds the slice, None outside DICOM.
        frame: number of the frame in that object or video, 1-based as DICOM counts, None for single-frame objects.
        position_mm: centre of the slice's first voxel, in mm, in DICOM patient coordinates (LPS: x to the patient's
            left, y to the back, z to the head), None where there is no anatomy. For NIfTI (RAS) x and y are negated.
        time_ms: time since the first frame of a clip, in milliseconds, None where it is not known.
        instance_number: InstanceNumber (0020,0013) of a single-frame object, by which viewers call the slice; None
            where it is missing or shared by several objects of the stack.

    Example:
        >>> SliceRef(92, sop_instance_uid="1.2.3", instance_number=16).name
        'image 16 (index 92)'
    """

    index: int
    sop_instance_uid: str | None = None
    frame: int | None = None
    position_mm: tuple[float, float, float] | None = None
    time_ms: float | None = None
    instance_number: int | None = None

    @property
    def name(self) -> str:
        """What people call the slice: as their viewer does, then by its index; by the index alone where they cannot."""
        if self.frame is not None:
            return f"frame {self.frame} (index {self.index})"
        if self.instance_number is not None:
            return f"image {self.instance_number} (index {self.index})"
        return f"index {self.index}"

    @property
    def in_clip(self) -> bool:
        """Whether it is a frame of a clip, a moment rather than a place."""
        return self.frame is not None and self.position_mm is None

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a dictionary that JSON can hold: the position is a list."""
        found = asdict(self)
        if self.position_mm is not None:
            found["position_mm"] = list(self.position_mm)
        return found


class SliceSource(ABC):
    """Abstract: one study, whose slices are decoded only when asked for.

    Attributes:
        name: path or address, for messages; may hold patient data.
        kind: ``"nifti"``, ``"dicom_series"``, ``"dicom_multiframe"``, ``"video"``, ``"dicomweb"`` or ``"array"``.
        refs: one :class:`SliceRef` per slice, in the source's own order.
        affine: ``(4, 4)`` from (column, row, slice) to mm in RAS; None where there is no anatomy, as in a clip.
        channels: C, 1 for grey and 3 for RGB.
        plane_shape: ``(columns, rows)`` of a slice, in pixels.
        warnings: what to know before sharing the pixels, such as burned-in text that could not be masked.
        exact_thumbnails: whether the last thumbnails equal those of the decoded slices, up to rounding; false if they
            came from a coarse level of a wavelet or from a server's picture.
        drawn: whether a server drew the last thumbnails; what sets their range was fetched, and is exact.
        files: all files that hold the study, also those beside the one that was named (the pixels of a header); empty
            for arrays and servers.
        versions: size and time of change of each of ``files`` when it was opened, see
            :func:`~monai_das.data.file_versions.unchanged`.
        part: which part of the files it is, such as the time point of several; empty for all.
    """

    name: str
    kind: str
    refs: tuple[SliceRef, ...]
    affine: NDArray[np.float64] | None
    channels: int
    plane_shape: tuple[int, int]
    warnings: tuple[str, ...] = ()
    exact_thumbnails: bool = True
    drawn: bool = False
    files: tuple[Path, ...] = ()
    versions: tuple[FileVersion | None, ...] = ()
    part: str = ""

    def __init_subclass__(cls) -> None:
        """Put the boundary of reading and the limit of memory around what a source reads."""
        super().__init_subclass__()
        own = dict(vars(cls))
        limited: dict[str, Callable[[Any, Any], int]]
        limited = {"thumbnails": _thumbnail_bytes, "several_thumbnails": _several_bytes, "read": _slice_bytes}
        for name in own.keys() & limited.keys():
            own[name] = _within_limit(own[name], limited[name])
        for name in own.keys() & {*limited, "header", "pixel_header"}:
            setattr(cls, name, at_boundary(own[name]))

    def __len__(self) -> int:
        """Return D, the number of slices."""
        return len(self.refs)

    @abstractmethod
    def thumbnails(self, size: int) -> Tensor:
        """Return all slices small, ``(C, size, size, D)`` float32, columns first, in the units of :meth:`read`."""

    def several_thumbnails(self, sizes: Sequence[int]) -> list[Tensor]:
        """Return :meth:`thumbnails` of several ``sizes``; a source that decodes slices one by one does so only once.

        ``exact_thumbnails`` speaks of the first size.
        """
        found = [self.thumbnails(size) for size in reversed(sizes)]
        return found[::-1]

    @abstractmethod
    def read(self, indices: Sequence[int]) -> Tensor:
        """Return the slices ``indices`` as ``(C, columns, rows, k)`` float32 after rescale, in the order asked for.

        Raises:
            ValueError: an index is out of range, or pixels cannot be decoded.
        """

    def header(self, index: int) -> Dataset | None:
        """Return the header of the DICOM object that holds slice ``index``, without pixels; None outside DICOM."""
        return None

    def pixel_header(self, index: int) -> Dataset | None:
        """Return at least the part of :meth:`header` that describes the pixels; a source that has it reads nothing."""
        return self.header(index)

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


def _within_limit(method: Callable[..., Any], needed: Callable[[Any, Any], int]) -> Callable[..., Any]:
    """Return ``method`` of a source, which refuses what needs more memory than the limit."""

    @wraps(method)
    def checked(self: SliceSource, *args: Any, **kwargs: Any) -> Any:
        (wanted,) = (*args, *kwargs.values())
        if method.__name__ != "read" and min(self.plane_shape) < LEAST_SIDE:
            columns, rows = self.plane_shape
            words = f"slices of {columns} x {rows} pixels, {LEAST_SIDE} x {LEAST_SIDE} at least; give them at full size"
            raise StudyError(self.name, words)
        what = method.__name__.removeprefix("several_")
        check_memory(needed(self, wanted), self.name, f"{what} of {len(self)} slices")
        return method(self, *args, **kwargs)

    return checked


def _thumbnail_bytes(source: SliceSource, size: int) -> int:
    return 4 * source.channels * size * size * len(source)


def _several_bytes(source: SliceSource, sizes: Sequence[int]) -> int:
    return sum(_thumbnail_bytes(source, size) for size in sizes)


def _slice_bytes(source: SliceSource, indices: Sequence[int]) -> int:
    columns, rows = source.plane_shape
    return 4 * source.channels * columns * rows * len(indices)


def read_thumbnails(source: SliceSource, size: int) -> Tensor:
    """Return all slices of ``source`` small, as :meth:`SliceSource.thumbnails`, each read at full size and shrunk.

    From a server several are read at once, if they fit into the memory.
    """
    fit = limit() // (PLANES * _slice_bytes(source, [0]))
    most = max(1, min(REQUESTS_AT_ONCE, fit)) if source.kind == "dicomweb" else 1
    found: list[Tensor] = []
    for start in range(0, len(source), most):
        slices = torch.split(source.read(range(start, min(start + most, len(source)))), 1, dim=-1)
        found += at_once(lambda one: _small(one, size), slices, 1, computes=True)
    return torch.stack(found, dim=-1)


def read_thumbnail(source: SliceSource, place: int, size: int) -> Tensor:
    """Return the slice ``place`` of ``source`` small, ``(C, size, size)``, read at full size and shrunk."""
    return _small(source.read([place]), size)


def _small(one: Tensor, size: int) -> Tensor:
    """Return a slice ``(C, W, H, 1)`` as ``(C, size, size)``."""
    return make_thumbnails(one[None], size)[0, ..., 0]


def checked_indices(indices: Sequence[int], depth: int, name: str) -> list[int]:
    """Return ``indices`` as a list of int; raise ``ValueError`` unless all are in ``[0, depth)``."""
    places = [int(place) for place in indices]
    wrong = [place for place in places if not 0 <= place < depth]
    if wrong:
        raise StudyError(name, f"slice {wrong[0]} asked for, there are slices 0 to {depth - 1}")
    return places


def as_image(values: NDArray[Any], affine: NDArray[np.float64], path: str | Path) -> MetaTensor:
    """Return ``values`` ``(C, W, H, D)`` as float32 with ``affine`` to mm in RAS, and the meta of MONAI readers."""
    meta = {
        MetaKeys.ORIGINAL_AFFINE: affine.copy(),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.SPATIAL_SHAPE: np.asarray(values.shape[1:]),
        MetaKeys.ORIGINAL_CHANNEL_DIM: 0,
        "filename_or_obj": str(path),
    }
    # the order in memory is kept: to put slices innermost takes longer than to read them
    tensor: Tensor = torch.from_numpy(np.require(values, np.float32, "W"))
    return MetaTensor(tensor, affine=torch.from_numpy(affine), meta=meta)
