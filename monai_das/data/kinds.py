"""Which reader a file is for, by its name and its content."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from monai_das.data.containers import container_name
from monai_das.data.dicom import is_dicom_start
from monai_das.data.formats import LOOK, UNKNOWN, content_name
from monai_das.data.itk_volume import ITK_SUFFIXES, voxel_files
from monai_das.data.video import is_video_file

NIBABEL, ITK, VIDEO = "nibabel", "itk", "video"
NIFTI_NAME = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)
MGH_SUFFIXES = (".mgh", ".mgz")
HEADER, VOXELS = ".hdr", ".img"
# the size of the header of Analyze 7.5 and of NIfTI in two files, which it begins with
HEADER_SIZES = (b"\x5c\1\0\0", b"\0\0\1\x5c")


def file_kind(path: Path, probe: Callable[[Path], bool] | None = None) -> str | None:
    """Return ``"nibabel"``, ``"itk"`` or ``"video"``; None for DICOM and for what no reader is for.

    Names decide where they are clear, so that a damaged file is heard of. Videos are known by their content too, which
    is all that FFmpeg looks at.

    Args:
        path: a file, or anything else, which is no kind.
        probe: says whether a file whose content is not known is a video.

    Raises:
        OSError: the file cannot be read.
    """
    suffix = path.suffix.lower()
    if NIFTI_NAME.search(path.name) or suffix in MGH_SUFFIXES or _is_pair(path):
        return NIBABEL
    if suffix in ITK_SUFFIXES:
        return ITK
    if is_video_file(path):
        return VIDEO
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        start = stream.read(LOOK)
    name = content_name(start)
    known = name == container_name(start)
    return VIDEO if known or (name == UNKNOWN and probe and not is_dicom_start(start) and probe(path)) else None


def companions(path: Path) -> list[Path]:
    """Return the files beside the header ``path`` that hold its voxels, in any spelling of their suffix."""
    if path.suffix.lower() == HEADER:
        return [path.with_suffix(end) for end in (VOXELS, VOXELS.upper(), ".mat") if path.with_suffix(end).exists()]
    return voxel_files(path) if path.suffix.lower() in ITK_SUFFIXES else []


def _is_pair(path: Path) -> bool:
    """Say whether ``path`` is the header, or the voxels beside the header, of Analyze or NIfTI in two files."""
    suffix = path.suffix.lower()
    if suffix == VOXELS:
        headers = [path.with_suffix(end) for end in (HEADER, HEADER.upper())]
        path = next((header for header in headers if header.is_file()), path)
    if path.suffix.lower() != HEADER or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(4) in HEADER_SIZES
