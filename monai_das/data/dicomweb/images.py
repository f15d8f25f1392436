"""The images that a DICOMweb server has at an address, grouped as files are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das.data.dicom import (
    Grouping,
    ImageHeader,
    ImageRecord,
    SeriesFiles,
    group_series,
    image_record,
    kinds_listing,
    object_name,
    one_case,
)
from monai_das.data.dicom.pixel_file import VIDEO_SYNTAXES
from monai_das.data.dicomweb.service import DICOMwebService
from monai_das.data.messages import StudyNotFoundError
from monai_das.data.source import TIME_POINT

# the standard has them for MPEG-2, H.264 and HEVC alone
VIDEO_COLOURS, H264 = "YBR_PARTIAL_420", "1.2.840.10008.1.2.4.102"

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True)
class ServedImages:
    """What a server has at an address.

    Attributes:
        headers: of the images, by their record.
        objects: what the other objects are.
        grouping: the cases that the images make.
    """

    headers: Mapping[ImageRecord, ImageHeader]
    objects: tuple[str, ...]
    grouping: Grouping


def served_images(service: DICOMwebService, series: str | None = None) -> ServedImages:
    """Return the images at the address of ``service``, from one request for their metadata.

    An address that names a series or object chooses it, even if nobody acquired it.

    Args:
        service: the server and the address.
        series: take only this series, as for :func:`group_series`.
    """
    found = service.metadata()
    images = [tags for tags in found if "Rows" in tags and "Columns" in tags]
    others = (object_name(str(tags.get("SOPClassUID"))) for tags in found if not ("Rows" in tags and "Columns" in tags))
    headers = {image_record(header): header for header in map(_header, images)}
    grouping = group_series(list(headers), service.series if series is None else series)
    return ServedImages(headers, tuple(f"DICOM {name}" for name in others), grouping)


def served_case(service: DICOMwebService, choose: Mapping[str, object]) -> tuple[list[ImageHeader], SeriesFiles]:
    """Return the headers of the one case at the address of ``service``, and what to know of it.

    Args:
        service: the server and the address.
        choose: keyword to value, as for :func:`monai_das.data.dicom_slice_refs`.

    Raises:
        FileNotFoundError: there is no image.
        ValueError: there is no acquired image, or there are several series.
    """
    series = choose.get("SeriesInstanceUID")
    served = served_images(service, None if series is None else str(series))
    if not served.headers:
        there = f" (there are {kinds_listing(served.objects)})" if served.objects else ""
        words = f"{len(served.objects)} objects and no image among them; give a series of images{there}"
        raise StudyNotFoundError(service.name, words)
    wanted = {keyword: str(value) for keyword, value in choose.items() if keyword != TIME_POINT}

    def fits(record: ImageRecord) -> bool:
        return all(served.headers[record].text(keyword) == value for keyword, value in wanted.items())

    case, clips = one_case(served.grouping, service.name, fits if wanted else None)
    return [served.headers[record] for record in case.images], SeriesFiles(
        case.uid, (), clips=clips, kind=case.images[0].kind
    )


def _header(tags: Dataset) -> ImageHeader:
    """Return the header, with the transfer syntax of a video if the server names one, or the colours are a video's."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    named = str(tags.get("AvailableTransferSyntaxUID") or "")
    if tags.get("PhotometricInterpretation") == VIDEO_COLOURS or named.startswith(VIDEO_SYNTAXES):
        tags.file_meta = FileMetaDataset()
        tags.file_meta.TransferSyntaxUID = UID(named if named.startswith(VIDEO_SYNTAXES) else H264)
    return ImageHeader(Path(str(tags.SOPInstanceUID)), tags, int(tags.get("NumberOfFrames") or 1), None)
