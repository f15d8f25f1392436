"""What the header of a NIfTI file declares, held against its size and the limit of memory before a voxel is read."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

from monai_das.data.budget import INFLATION, check_frames, check_inside, check_memory, check_plane
from monai_das.data.messages import StudyError

# extensions lie between the header and the voxels: nibabel reads them when it opens a file
MOST_BEFORE_VOXELS = 64 << 20
NIFTI_1, NIFTI_2 = (348, 108, "f"), (540, 168, "q")


def is_compressed(path: Path) -> bool:
    """Say whether the file ``path`` is compressed by its name, so that it is read whole."""
    return path.name.lower().endswith((".gz", ".mgz"))


def check_head(path: Path) -> None:
    """Raise ``ValueError`` if the voxels of the file ``path`` begin too far behind its header to be true."""
    compressed = is_compressed(path)
    try:
        with gzip.open(path) if compressed else path.open("rb") as stream:
            head = stream.read(NIFTI_2[0])
    except (OSError, EOFError, zlib.error):
        return  # nibabel says so too
    for order in "<>":
        for size, place, kind in (NIFTI_1, NIFTI_2):
            if len(head) >= size and struct.unpack_from(f"{order}i", head)[0] == size:
                (offset,) = struct.unpack_from(f"{order}{kind}", head, place)
                if not 0 <= offset <= MOST_BEFORE_VOXELS:
                    raise StudyError(path, f"vox_offset in the NIfTI header is {offset:g}; no voxels begin there")


def check_declared(image: Any, path: Path) -> None:
    """Raise ``ValueError`` if ``image``, nibabel's, cannot be in its file, has no voxels, or is too large to read."""
    shape = tuple(int(side) for side in image.shape)
    if min(shape, default=0) < 1:
        raise StudyError(path, f"the NIfTI header tells of {shape} voxels, so there are none; give a volume")
    stored = image.get_data_dtype().itemsize
    voxels = math.prod(shape)
    compressed = is_compressed(path)
    holder = Path(image.file_map["image"].filename or path)
    if compressed:
        # read whole: as stored, and as float32
        check_memory(voxels * (stored + 4), path, f"{shape} voxels")
    elif len(shape) > 2:
        check_frames(shape[2], path)
        check_plane(shape[0], shape[1], 1, path)
    check_inside(voxels * stored, holder, f"{shape} voxels", inflation=INFLATION if compressed else 1)
