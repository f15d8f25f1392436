"""A study on a DICOMweb server as a :class:`SliceSource`: headers, drawn thumbnails, and only the chosen slices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data.at_once import REQUESTS_AT_ONCE, at_once
from monai_das.data.dicom import (
    DICOMSource,
    PixelFile,
    check_pixels,
    chosen_headers,
    geometry_of,
    header_stack,
    masked_source,
)
from monai_das.data.dicomweb.drawings import PROBES, drawn_thumbnails
from monai_das.data.dicomweb.frame import write_frame
from monai_das.data.dicomweb.images import served_case
from monai_das.data.dicomweb.service import DICOMwebService
from monai_das.data.messages import StudyError
from monai_das.data.source import TIME_POINT, SliceSource, checked_indices, read_thumbnails

if TYPE_CHECKING:
    from pydicom import Dataset


class DICOMwebSource(SliceSource):
    """A series or multi-frame object on a DICOMweb server, of which only the chosen slices are fetched.

    Opening asks for the metadata of the study or series once: order, identity and affine come from the same code as for
    files. :meth:`read` fetches single-frame objects whole, as the server has them compressed, and of multi-frame
    objects the requested frames; they are decoded as files are, so values are the same to the last bit. At most four
    requests run at once; the error is that of the first slice that fails, and names its object.

    Thumbnails are drawn by the server (8 bits a pixel). A window loses values, so five slices are fetched first: the
    window spans their values and a tenth more, and a line fitted between their drawings and their true thumbnails takes
    the drawings back to the units of :meth:`read` (also where the server inverts MONOCHROME1). Where slices still burn
    out, the worst is fetched too, the window widened and all are drawn again, three times at most. What remains is
    rounding to 1/255 of the window, and the server's own way to shrink. So drawings may choose slices, but not set the
    scale of intensities: the slices that may hold the lowest and highest value are fetched, 24 at most. Where drawings
    and truth correlate below 0.95, or the server does not draw, all slices are fetched and shrunk here.

    Args:
        address: ``ROOT/studies/UID``, ``ROOT/studies/UID/series/UID`` or ``.../instances/UID``; a name and password in
            it are used and appear in no message.
        choose: as for :func:`monai_das.data.dicom_slice_refs`.
        session: a ``requests.Session`` with the server's credentials or certificates.
        timeout: seconds to wait for an answer.

    Raises:
        FileNotFoundError: the server has no such study or series.
        PermissionError: the server refuses the login of the session.
        TimeoutError, ConnectionError: no answer in time, or no server.
        OSError: the server answers with another refusal.
        ValueError: the address is not the address of a study, or the server does not speak DICOMweb; and as
            :func:`dicom_slice_refs`.
        ImportError: the extra ``dicom`` is not installed.

    Example:
        ``DICOMwebSource("http://127.0.0.1:8042/dicom-web/studies/1.2.3/series/4.5.6").read([0, 12])``
    """

    def __init__(
        self,
        address: str,
        choose: Mapping[str, object] | None = None,
        session: Any = None,
        timeout: float = 30.0,
    ) -> None:
        self._service = DICOMwebService(address, session, timeout)
        self.name = self._service.name
        served, about = served_case(self._service, choose or {})
        headers = chosen_headers(served, choose or {}, self.name)
        self._tags = {str(header.tags.SOPInstanceUID): header.tags for header in headers}
        stack = header_stack(headers, self.name, (choose or {}).get(TIME_POINT))
        check_pixels([PixelFile(header) for header in stack.headers], self.name)
        self.kind, self.refs, self.affine = "dicomweb", stack.refs, stack.affine
        geometry = geometry_of(stack)
        self.warnings = (*(() if geometry is None else geometry.warnings), *stack.warnings, *about.notes)
        first = headers[0].tags
        self.channels = 3 if _is_colour(first) else 1
        self.plane_shape = (int(first.Columns), int(first.Rows))

    def thumbnails(self, size: int) -> Tensor:
        """Return all slices small, drawn by the server where it draws well; see :class:`SliceSource`."""
        drawn = drawn_thumbnails(self, self.picture, size) if len(self) > PROBES else None
        self.drawn = drawn is not None
        self.exact_thumbnails = not self.drawn
        return read_thumbnails(self, size) if drawn is None else drawn

    def read(self, indices: Sequence[int]) -> Tensor:
        """Return the slices ``indices``, fetching no others; see :class:`SliceSource`."""
        places = checked_indices(indices, len(self), self.name)
        if not places:
            return torch.empty(self.channels, *self.plane_shape, 0)
        with TemporaryDirectory(prefix="monai-das-") as folder:
            files = dict(self._fetched(sorted(set(places)), Path(folder)))
            slices = {place: self._decoded(file, place) for place, file in files.items()}
        return torch.cat([slices[place] for place in places], dim=-1)

    def header(self, index: int) -> Dataset:
        """Return the metadata of the object that holds slice ``index``, without pixels."""
        (place,) = checked_indices([index], len(self), self.name)
        return self._tags[str(self.refs[place].sop_instance_uid)]

    def _fetched(self, places: list[int], folder: Path) -> Iterator[tuple[int, Path]]:
        """Yield ``(place, file)``, one file of one frame in ``folder`` for each of ``places``."""
        single = [place for place in places if self.refs[place].frame is None]

        def fetch(place: int) -> Path:
            header, file = self.header(place), folder / f"{place}.dcm"
            self._service.object(str(header.SeriesInstanceUID), str(header.SOPInstanceUID)).save_as(file)
            return file

        yield from zip(single, at_once(fetch, single, REQUESTS_AT_ONCE), strict=True)
        many = [place for place in places if self.refs[place].frame is not None]
        if many:
            header = self.header(many[0])
            numbers = [self.refs[place].frame or 1 for place in many]
            parts, syntax = self._service.frames(str(header.SeriesInstanceUID), str(header.SOPInstanceUID), numbers)
            for place, number, part in zip(many, numbers, parts, strict=True):
                yield place, write_frame(folder / f"{place}.dcm", header, number, part, syntax)

    def _decoded(self, file: Path, place: int) -> Tensor:
        try:
            return masked_source(DICOMSource(file, self._anyway(place))).read([0])
        except StudyError as error:
            # without the path: that of a file that is gone
            reason = error.finding
            raise StudyError(
                self.name, f"slice {place} cannot be decoded: {reason.plain}", texts=reason.texts
            ) from error

    def _anyway(self, place: int) -> dict[str, object]:
        """Return what lets an image be read that nobody acquired: its series was chosen."""
        series = self.header(place).get("SeriesInstanceUID")
        return {"SeriesInstanceUID": str(series)} if series else {}

    def picture(self, index: int, size: tuple[int, int], window: tuple[float, float] | None) -> NDArray[np.uint8]:
        """Return slice ``index`` as the server draws it, ``(rows, columns)`` or ``(rows, columns, 3)``, 0 to 255.

        Args:
            index: which slice.
            size: columns and rows, at most.
            window: lowest and highest value drawn; None lets the server choose.

        Raises:
            OSError, ValueError: the server refuses, or its answer is not a picture.
        """
        ref = self.refs[index]
        series = str(self.header(index).SeriesInstanceUID)
        return self._service.picture(series, str(ref.sop_instance_uid), ref.frame, size, window)


def _is_colour(tags: Dataset) -> bool:
    return int(tags.get("SamplesPerPixel") or 1) > 1 or tags.get("PhotometricInterpretation") == "PALETTE COLOR"
