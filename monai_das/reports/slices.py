"""Write all slices of a case as PNG pictures in one ZIP file, for programs that show single slices."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

from matplotlib.image import imsave

from monai_das._atomic import atomic_path
from monai_das.inference import CaseResult


def write_slices(result: CaseResult, path: Path) -> None:
    """Write ``0000.png``, ``0001.png``, ... into the ZIP file ``path``, whole or not at all.

    Numbers are 0-based in the source's own order. The pixels are what the network saw, scaled to 0-255.

    Raises:
        ValueError: ``result.pictures`` has no pictures of all slices.
        OSError: ``path`` cannot be written.
    """
    stack = result.pictures.stack()
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for index, image in enumerate(stack):
            stream = BytesIO()
            imsave(stream, image, cmap="gray", vmin=0, vmax=255, format="png")
            # a fixed date: the same case gives the same file
            archive.writestr(zipfile.ZipInfo(f"{index:04d}.png"), stream.getvalue())
