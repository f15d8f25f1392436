"""MPEG-2, H.264 and HEVC inside DICOM: the header is DICOM's, the frames come from the video in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from monai_das.data.budget import check_memory
from monai_das.data.dicom import ImageHeader, PixelFile, frame_times, read_dataset, slice_uid
from monai_das.data.messages import Finding, StudyError
from monai_das.data.source import SliceRef, SliceSource
from monai_das.data.video import VideoSource

if TYPE_CHECKING:
    from pydicom import Dataset


class DICOMVideoSource(SliceSource):
    """One DICOM object whose pixels are a video: decoded by PyAV as a video file is, its frames in the order of time.

    Args:
        header: from :func:`monai_das.data.dicom.image_header`.

    Raises:
        ValueError: the video is damaged, or of another size than Rows and Columns.
        ImportError: the extra ``video`` is not installed.
    """

    kind = "dicom_multiframe"

    def __init__(self, header: ImageHeader) -> None:
        self.name, self.affine = str(header.path), None
        self.files, self.versions = (header.path,), (header.version,)
        check_memory(header.path.stat().st_size, header.path, "the video inside it would")
        self._header = header
        self._tags = read_dataset(header.path, stop_before_pixels=True)
        self._video = VideoSource(header.path, content=PixelFile(header).fragments())
        self.channels, self.plane_shape = self._video.channels, self._video.plane_shape
        rows, columns = header.size
        if self.plane_shape != (columns, rows):
            raise StudyError(
                header.path,
                f"Rows and Columns (0028,0010 and 0011) are {rows} and {columns}, but the video inside has "
                f"{self.plane_shape[1]} and {self.plane_shape[0]}; repair the header",
            )
        self.warnings = (*self._video.warnings, *self._other_length())
        uid, times = slice_uid(header), self._times()
        self.refs = tuple(SliceRef(place, uid, frame=place + 1, time_ms=time) for place, time in enumerate(times))

    def thumbnails(self, size: int) -> Tensor:
        """Return all frames small; see :class:`VideoSource`."""
        return self._video.thumbnails(size)

    def read(self, indices: Sequence[int]) -> Tensor:
        """Return the frames ``indices``; see :class:`SliceSource`."""
        return self._video.read(indices)

    def header(self, index: int) -> Dataset:
        """Return all tags before the pixels."""
        return self._tags

    def pixel_header(self, index: int) -> Dataset:
        """Return the tags that opening has read."""
        return self._header.tags

    def _times(self) -> list[float | None]:
        """Return the times of the header, or those of the video where it has another number of frames, or no times."""
        times = frame_times(self._header)
        if len(times) == len(self._video) and times[0] is not None:
            return list(times)
        return [ref.time_ms for ref in self._video.refs]

    def _other_length(self) -> tuple[Finding, ...]:
        declared, found = self._header.frames, len(self._video)
        if declared == found:
            return ()
        words = f"NumberOfFrames (0028,0008) is {declared}, but the video inside has {found} frames, and all are taken"
        return (Finding(words),)
