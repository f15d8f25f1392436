"""Write all slices of a case as PNG pictures in one ZIP file, for programs that show single slices."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

from monai_das._atomic import atomic_path
from monai_das.data import SliceSource
from monai_das.inference import CaseResult
from monai_das.reports.drawing import CaseDrawing

# of a picture, in pixels; in smaller ones a name covers the slice
SHORTEST_SIDE, LONGEST_SIDE = 320, 640


def write_slices(result: CaseResult, source: SliceSource, path: Path) -> None:
    """Write ``0000.png``, ``0001.png``, ... into the ZIP file ``path``, whole or not at all.

    Numbers are 0-based in the source's own order. Pictures are drawn from ``source`` in its window, 320 to 640 pixels
    long, with the letters of the directions and the name of the slice on them.

    Raises:
        ValueError: pixels cannot be decoded.
        OSError: ``path`` cannot be written.
    """
    drawing = CaseDrawing(result, source)
    side = min(LONGEST_SIDE, max(SHORTEST_SIDE, *drawing.size))
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for index, picture in enumerate(drawing.pictures(range(result.total_slices), side, named=True)):
            stream = BytesIO()
            picture.save(stream, format="png")
            # a fixed date: the same case gives the same file
            archive.writestr(zipfile.ZipInfo(f"{index:04d}.png"), stream.getvalue())
