"""Which subclass of :class:`SliceSource` opens what is no file of DICOM or NIfTI."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from monai_das.data.dicomweb.service import is_address
from monai_das.data.dicomweb.source import DICOMwebSource
from monai_das.data.source import SliceSource
from monai_das.data.video.source import VideoSource, is_video_file


def special_source(
    path: str | PathLike[str], choose: Mapping[str, object] | None, session: Any = None
) -> SliceSource | None:
    """Return the source of a video, or of an address of DICOMweb; None for everything else.

    Raises:
        OSError, ValueError, ImportError: as :class:`VideoSource` and :class:`DICOMwebSource`.
    """
    if is_address(path):
        return DICOMwebSource(str(path), choose, session)
    return VideoSource(path) if is_video_file(path) else None
