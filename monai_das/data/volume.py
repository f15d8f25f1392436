"""Read a study file into an image, and say who every slice is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import PathLike as PathLikeString
from monai.data import ImageReader, MetaTensor
from monai.utils import ensure_tuple
from monai.utils.enums import MetaKeys, SpaceKeys
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data.nifti.pixels import nifti_pixels
from monai_das.data.slice_ref import SliceRef

NIFTI_SUFFIXES = (".nii", ".nii.gz")


@dataclass(frozen=True, eq=False)
class VolumeCase:
    """A volume or clip with its slices' identities.

    Attributes:
        image: ``(C, W, H, D)`` float32, slices or frames last in the source's own order, in the plane columns before
            rows as MONAI's readers give them; ``image.affine`` leads from (column, row, slice) to mm in RAS, and is
            the identity where there is no anatomy.
        refs: one :class:`SliceRef` per slice of the last axis.
        kind: that of :class:`~monai_das.data.SliceSource`.
        has_anatomy: false for clips and pictures, whose affine means nothing.
        warnings: what to know before sharing the pixels, as burned-in text that could not be masked.
    """

    image: MetaTensor
    refs: tuple[SliceRef, ...]
    kind: str
    has_anatomy: bool
    warnings: tuple[str, ...] = ()


def read_volume(path: str | PathLike[str], choose: Mapping[str, object] | None = None) -> VolumeCase:
    """Read all of what :func:`monai_das.data.open_source` opens: NIfTI, DICOM, a video, an address of DICOMweb.

    NIfTI goes through MONAI's ``NibabelReader``. A DICOM file of one frame is a volume of one slice. Colour clips have
    3 channels (RGB). The image's ``meta`` holds no patient data besides the path.
    Pixels outside the declared regions of ultrasound and secondary captures become 0 unless BurnedInAnnotation is NO:
    nobody and no network is to read a name there.
    ``choose`` is that of :func:`dicom_slice_refs`, for folders with several series, time points or echoes; for NIfTI of
    four dimensions it is ``{"time_point": n}``, 0-based.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: the file is damaged, is of none of these kinds, or holds no single stack of slices.
    """
    from monai_das.data.source import open_source

    if str(path).lower().endswith(NIFTI_SUFFIXES):
        return nifti_volume(Path(path), choose)
    source = open_source(path, choose)
    return VolumeCase(source.read_all(), source.refs, source.kind, source.affine is not None, source.warnings)


def nifti_volume(path: Path, choose: Mapping[str, object] | None = None) -> VolumeCase:
    """Read a NIfTI file whole; arguments and errors are those of :func:`read_volume`."""
    values, affine = nifti_pixels(path, choose)
    return VolumeCase(as_image(values, affine, path), nifti_refs(affine, values.shape[-1]), "nifti", True)


def plane_refs(refs: Sequence[SliceRef], image: MetaTensor) -> list[SliceRef]:
    """Return who the slices of a reoriented volume are, in its own order.

    Args:
        refs: those of the source, of :class:`VolumeCase`.
        image: the source's image after :class:`monai_das.transforms.SliceAxis`.

    Returns:
        The source's own refs, turned round where the axis was flipped; for a plane that was not acquired (coronal of
        an axial series), refs without object and frame, whose index counts along that axis of the source.

    Raises:
        ValueError: the image did not go through ``SliceAxis``.
    """
    if "slice_axis" not in image.meta:
        raise ValueError("the image's meta has no slice_axis; apply monai_das.transforms.SliceAxis first")
    depth = int(image.meta["slice_count"])
    places = range(depth - 1, -1, -1) if bool(image.meta["slice_flipped"]) else range(depth)
    if int(image.meta["slice_axis"]) == 2:
        return [refs[place] for place in places]
    positions = _positions(np.asarray(image.affine, dtype=np.float64), depth)
    return [SliceRef(place, position_mm=position) for place, position in zip(places, positions, strict=True)]


class DASVolumeReader(ImageReader):
    """:func:`read_volume` for MONAI: ``LoadImaged(keys, reader="monai_das.data.DASVolumeReader")``.

    It reads videos too. Unlike with MONAI's own readers, a folder with several series or time points is an error, never
    a guess. Give ``ensure_channel_first=True`` or apply ``EnsureChannelFirstd``: the channel is the first axis.
    """

    def verify_suffix(self, filename: Sequence[PathLikeString] | PathLikeString) -> bool:
        """Say that every file may be tried."""
        return True

    def read(self, data: Sequence[PathLikeString] | PathLikeString, **kwargs: Any) -> tuple[str, ...]:
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


def nifti_refs(affine: NDArray[np.float64], depth: int) -> tuple[SliceRef, ...]:
    """Return who the ``depth`` slices of a NIfTI file with ``affine`` are."""
    positions = _positions(affine, depth)
    return tuple(SliceRef(index, position_mm=position) for index, position in enumerate(positions))


def _positions(affine: NDArray[np.float64], depth: int) -> list[tuple[float, float, float]]:
    """Return the centres of the voxels (0, 0, d), in LPS mm, of an ``affine`` to RAS mm."""
    steps = np.arange(depth)[:, None] * affine[:3, 2] + affine[:3, 3]
    # adding 0.0 turns -0.0 into 0.0
    return [(float(x), float(y), float(z)) for x, y, z in steps * np.array([-1.0, -1.0, 1.0]) + 0.0]
