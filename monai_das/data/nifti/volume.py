"""NIfTI files, opened and read whole through MONAI's own reader, nibabel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import NibabelReader

from monai_das.data.boundary import reading
from monai_das.data.messages import Finding, StudyError, StudyNotFoundError, harmless
from monai_das.data.nifti.declared import check_declared, check_head
from monai_das.data.nifti.placed import placed
from monai_das.data.refs import affine_refs
from monai_das.data.source import TIME_POINT, as_image
from monai_das.data.whole import VolumeCase

UNREADABLE = "the NIfTI file cannot be read: "
UNORIENTED = (
    "Analyze does not say where left and right are; taken as SPM and nibabel take it: the first axis runs to the left, "
    "the second to the front, the third upwards"
)
# by the kind of a source
FORMATS = {"nifti": "NIfTI", "analyze": "Analyze", "mgh": "MGH", "nrrd": "NRRD", "metaimage": "MetaImage"}
NOT_REAL = {"V": "RGB", "c": "complex"}  # by the kind of NumPy's data type


def nifti_volume(path: Path, choose: Mapping[str, object] | None = None) -> VolumeCase:
    """Read a NIfTI file whole, values after scaling, through :class:`monai.data.NibabelReader`.

    Args:
        path: the file.
        choose: ``{"time_point": n}``, 0-based, for a file of four dimensions.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: the file is damaged, holds colours or complex numbers, or is neither 3-D nor 4-D with one time point
            chosen.
    """
    reader = NibabelReader()
    image, point = nifti_image(path, choose, reader)
    with reading(path, UNREADABLE):
        values, _ = reader.get_data(image)
    values = values.reshape(*image.shape[:3], -1)[..., point][None]
    affine, warnings = placed(image, path)
    volume = as_image(values, np.eye(4) if affine is None else affine, path)
    return VolumeCase(
        volume,
        affine_refs(affine, values.shape[-1]),
        kind_of(image),
        affine is not None,
        (*warnings, *warnings_of(image)),
    )


def kind_of(image: Any) -> str:
    """Return the kind of nibabel's ``image``: ``"nifti"``, ``"analyze"`` or ``"mgh"``."""
    name = type(image).__name__
    return "mgh" if name.startswith("MGH") else "nifti" if name.startswith("Nifti") else "analyze"


def warnings_of(image: Any) -> tuple[Finding, ...]:
    """Return what to know of nibabel's ``image``: Analyze without a matrix does not say where left is."""
    if kind_of(image) != "analyze" or (getattr(image, "file_map", {}).get("mat") is not None and _has_matrix(image)):
        return ()
    return (Finding(UNORIENTED),)


def nibabel_files(image: Any) -> tuple[Path, ...]:
    """Return the files of nibabel's ``image``, such as header and voxels."""
    names = {holder.filename for holder in image.file_map.values() if holder.filename}
    return tuple(sorted(path for path in map(Path, names) if path.is_file()))


def _has_matrix(image: Any) -> bool:
    name = image.file_map["mat"].filename
    return name is not None and Path(name).is_file()


def nifti_image(
    path: Path, choose: Mapping[str, object] | None = None, reader: NibabelReader | None = None
) -> tuple[Any, int]:
    """Return nibabel's image, whose voxels are not read yet, and the time point; raises as :func:`nifti_volume`."""
    if not path.exists():
        raise StudyNotFoundError(path, "no such file or folder")
    check_head(path)
    with reading(path, UNREADABLE):
        image = (reader or NibabelReader()).read(path)
    check_declared(image, path)
    stored = image.get_data_dtype()
    if stored.kind in NOT_REAL:
        raise StudyError(
            path,
            f"a {FORMATS[kind_of(image)]} file with colours or complex numbers ({NOT_REAL[stored.kind]}); give one "
            "real number per voxel, such as luminance or magnitude",
        )
    return image, chosen_time_point(tuple(map(int, image.shape)), choose or {}, path, FORMATS[kind_of(image)])


def chosen_time_point(
    shape: tuple[int, ...], choose: Mapping[str, object], path: Path, name: str = FORMATS["nifti"]
) -> int:
    """Return which time point of a file of the format ``name`` is chosen, from its ``shape``; 0 for one volume."""
    unknown = [keyword for keyword in choose if keyword != TIME_POINT]
    if unknown:
        raise StudyError(path, f"{name} has no {unknown[0]} to choose by; only {TIME_POINT}, in files of 4 dimensions")
    if not _is_3d(shape) and (len(shape) != 4 or TIME_POINT not in choose):
        raise StudyError(
            path,
            f"a {name} file of shape {shape}, that is several time points or channels, or no volume; give one "
            f"3-D volume per file, or choose one of four dimensions by {TIME_POINT} (--time-point)",
        )
    count = 1 if _is_3d(shape) else shape[3]
    if str(choose.get(TIME_POINT, 0)) not in map(str, range(count)):
        raise StudyError(
            path, f"no {TIME_POINT} {harmless(str(choose[TIME_POINT]))}; there are 0 to {count - 1}: choose one"
        )
    return int(str(choose.get(TIME_POINT, 0)))


def _is_3d(shape: tuple[int, ...]) -> bool:
    return len(shape) >= 3 and all(size == 1 for size in shape[3:])
