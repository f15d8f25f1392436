"""The headers of the one case that a path is, and what is to be known of the files beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from monai_das.data.dicom.acquired import LOCALIZER, SEGMENTATION, not_acquired
from monai_das.data.dicom.bare import is_dicom_file
from monai_das.data.dicom.folder import header_ahead, header_taken
from monai_das.data.dicom.grouping import group_series, image_record, one_case
from monai_das.data.dicom.headers import ImageHeader, image_header
from monai_das.data.dicom.series_files import SeriesFiles, series_files, split_place
from monai_das.data.dicom.strays import fault, raise_lost
from monai_das.data.messages import StudyError, StudyNotFoundError
from monai_das.data.source import TIME_POINT

# an image of these kinds is refused although it is given by itself
REFUSED = (SEGMENTATION, LOCALIZER)


def image_headers(path: Path, more: Sequence[str] = ()) -> list[ImageHeader]:
    """Return the headers of the images of the case ``path``, with the tags ``more``; see :func:`series_headers`."""
    return _headers(path, lambda file: header_taken(file, more))[0]


def images_ahead(path: Path) -> list[ImageHeader]:
    """Return what :func:`image_headers` returns, and keep it for opening the case."""
    return _headers(path, header_ahead)[0]


def series_headers(path: Path, choose: Mapping[str, object]) -> tuple[list[ImageHeader], SeriesFiles]:
    """Return the headers of the images of one case, and which files it has.

    Files that are not DICOM, DICOM objects without pixels, and images that nobody acquired are skipped. A file that
    :func:`header_ahead` has read is not read again.

    Args:
        path: a folder, a file, or a path of :func:`series_place`.
        choose: keyword to value, as for :func:`dicom_slice_refs`: they choose one of several series in a folder.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: there is no acquired image, or several series of them; or an image is damaged, cut off or lost.
    """
    more, series = tuple(choose), choose.get("SeriesInstanceUID")
    wanted = {keyword: str(value) for keyword, value in choose.items() if keyword != TIME_POINT}

    def fits(file: Path) -> bool:
        header = image_header(file, more)
        return header is not None and all(header.text(keyword) == value for keyword, value in wanted.items())

    return _headers(
        path, lambda file: header_taken(file, more), None if series is None else str(series), fits if wanted else None
    )


def _headers(
    path: Path,
    read: Callable[[Path], ImageHeader | None],
    series: str | None = None,
    fits: Callable[[Path], bool] | None = None,
) -> tuple[list[ImageHeader], SeriesFiles]:
    folder, place = split_place(path)
    if not folder.exists():
        raise StudyNotFoundError(path, "no such file or folder")
    if not folder.is_dir():
        header = read(folder)
        if header is None:
            why = "" if is_dicom_file(folder) else f" ({fault(folder)})"
            raise StudyError(
                path,
                f"not a DICOM image{why}; give a NIfTI file, a DICOM file, or a folder with the files of one series",
            )
        return [header], _single(header, place or series, path)
    files = series_files(path, series, fits)
    if files.lost:
        for file in files.lost:
            read(file)  # one that is damaged says how
        raise_lost(files.lost, path)
    return [header for file in files.images if (header := read(file)) is not None], files


def _single(header: ImageHeader, series: str | None, path: Path) -> SeriesFiles:
    if series is not None:
        one_case(group_series([image_record(header)], series), path)
    kind = not_acquired(header)
    if kind in REFUSED and series is None:
        raise StudyError(
            header.path,
            f"a {kind}, no acquired image; give the series it belongs to, or choose it all the same by its "
            "SeriesInstanceUID (--series)",
        )
    return SeriesFiles("", (header.path,), kind=kind)
