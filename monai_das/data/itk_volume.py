"""NRRD and MetaImage files, read whole through MONAI's ``ITKReader``."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import ITKReader

from monai_das.data.boundary import reading
from monai_das.data.budget import INFLATION, check_inside, check_memory
from monai_das.data.dicom.itk_decode import loaded_itk
from monai_das.data.messages import StudyError, StudyNotFoundError
from monai_das.data.nifti.volume import FORMATS, chosen_time_point
from monai_das.data.refs import affine_refs
from monai_das.data.source import as_image
from monai_das.data.whole import VolumeCase

KINDS = {".nrrd": "nrrd", ".nhdr": "nrrd", ".mha": "metaimage", ".mhd": "metaimage"}
ITK_SUFFIXES = tuple(KINDS)
# headers whose voxels lie in a file beside them, and how they name it
DETACHED = {
    ".nhdr": re.compile(rb"^data ?file:\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE),
    ".mhd": re.compile(rb"^ElementDataFile\s*=\s*(.+?)\s*$", re.M),
}
AXES = (2, 3, 4)
LONGEST_HEADER = 1 << 16
COMPRESSED = re.compile(rb"^(encoding:\s*(?!raw)|CompressedData\s*=\s*True)", re.MULTILINE | re.IGNORECASE)


def itk_volume(path: Path, choose: Mapping[str, object] | None = None) -> VolumeCase:
    """Read the NRRD or MetaImage file ``path`` whole; the affine leads to mm in RAS.

    Args:
        path: the file, or the header of a detached one.
        choose: ``{"time_point": n}``, 0-based, for a file of four dimensions.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: the file is damaged or cut off, needs more memory than the limit, holds colours or vectors, or is
            neither 2-D, 3-D nor 4-D with one time point chosen.
    """
    if not path.exists():
        raise StudyNotFoundError(path, "no such file or folder")
    with reading(path):
        image = _image_io(path)
        kind = KINDS[path.suffix.lower()]
        shape = _declared_shape(path, image)
        point = chosen_time_point(shape, choose or {}, path, FORMATS[kind])
        values, meta = ITKReader(affine_lps_to_ras=True).get_data(_read(path, image))
    volume = np.asarray(values).reshape(*shape[:3], -1)[..., point][None]
    affine = np.asarray(meta["affine"], dtype=np.float64)
    return VolumeCase(as_image(volume, affine, path), affine_refs(affine, shape[2]), kind, True)


def voxel_files(header: Path) -> list[Path]:
    """Return the files beside the detached ``header`` that hold its voxels; none if it holds them itself."""
    pattern = DETACHED.get(header.suffix.lower())
    if pattern is None:
        return []
    found = pattern.search(_head(header))
    if found is None or found[1] in (b"LOCAL", b"LIST") or b"%" in found[1]:
        return []  # in the header itself, or in many files, which only ITK counts
    return [header.parent / os.fsdecode(found[1])]


def _image_io(path: Path) -> Any:
    """Return ITK's reader for the suffix of ``path``, which has read the header; it does not look for others."""
    itk = loaded_itk()
    image = itk.NrrdImageIO.New() if KINDS[path.suffix.lower()] == "nrrd" else itk.MetaImageIO.New()
    if not image.CanReadFile(str(path)):
        raise StudyError(path, "no NRRD or MetaImage file, or a damaged one; export it again")
    image.SetFileName(str(path))
    image.ReadImageInformation()
    return image


def _read(path: Path, image: Any) -> Any:
    """Return ITK's image, of float32: asked for a type that it was not built with, ITK loads itself whole."""
    itk = loaded_itk()
    reader = itk.ImageFileReader[itk.Image[itk.F, image.GetNumberOfDimensions()]].New()
    reader.SetImageIO(image)
    reader.SetFileName(str(path))
    reader.Update()
    return reader.GetOutput()


def _declared_shape(path: Path, image: Any) -> tuple[int, ...]:
    """Return the shape in the header, at least three axes, once it is checked against the file and the limit."""
    if image.GetNumberOfComponents() != 1:
        raise StudyError(
            path,
            f"{image.GetNumberOfComponents()} numbers for each voxel, so colours or vectors; give one real number per "
            "voxel, such as luminance or magnitude",
        )
    if image.GetNumberOfDimensions() not in AXES:
        raise StudyError(path, f"a volume of {image.GetNumberOfDimensions()} axes, 2 to 4 are read; export it again")
    shape = tuple(int(image.GetDimensions(axis)) for axis in range(image.GetNumberOfDimensions()))
    if min(shape, default=0) < 1:
        raise StudyError(path, f"the header tells of {shape} voxels, so there are none; give a volume")
    shape += (1,) * (3 - len(shape))
    stored = int(image.GetComponentSize())
    check_memory(math.prod(shape) * (stored + 4), path, f"{shape} voxels")
    _check_voxels(path, math.prod(shape) * stored, shape)
    return shape


def _check_voxels(path: Path, declared: int, shape: tuple[int, ...]) -> None:
    """Raise ``ValueError`` if the voxels cannot be in their file, or that file is missing."""
    files = voxel_files(path) or ([path] if path.suffix.lower() not in DETACHED else [])
    for file in files:
        if not file.is_file():
            raise StudyError(path, "the file with its voxels, which the header names, is missing", files=[file])
        compressed = COMPRESSED.search(_head(path)) is not None
        check_inside(declared, file, f"{shape} voxels", inflation=INFLATION if compressed else 1)


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(LONGEST_HEADER)
