"""Which DICOM files make one stack of slices, their order, and the identity of each slice. Reads headers only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_das.data.dicom.frame_points import frame_order
from monai_das.data.dicom.frame_tags import tagged_planes, unread_geometry
from monai_das.data.dicom.frames import frame_planes, frame_thickness, frame_times
from monai_das.data.dicom.geometry import (
    IOP,
    IPP,
    PIXEL_SPACING,
    SPLIT,
    Plane,
    check_extents,
    stack_affine,
    stack_order,
)
from monai_das.data.dicom.headers import ImageHeader, undecoded
from monai_das.data.dicom.mosaics import check_no_mosaic
from monai_das.data.dicom.remarks import remarks
from monai_das.data.dicom.series import check_no_copies, chosen_headers, stack_choices
from monai_das.data.dicom.series_files import SeriesFiles
from monai_das.data.dicom.series_headers import series_headers
from monai_das.data.messages import Finding, StudyError, harmless
from monai_das.data.source import TIME_POINT, SliceRef

UID = re.compile(r"[0-9.]{1,64}")
INTEGER = re.compile(r"[-+]?[0-9]{1,11}")
PLANE_TAGS = (
    ("ImagePositionPatient", IPP, 3),
    ("ImageOrientationPatient", IOP, 6),
    ("PixelSpacing", PIXEL_SPACING, 2),
)


@dataclass(frozen=True, eq=False)
class DICOMStack:
    """The slices of one DICOM series or multi-frame object, known from headers alone.

    Attributes:
        files: the files in the order of the slices; one file if it holds all frames.
        refs: the identity of every slice, in order.
        frame_order: for a multi-frame object, the 0-based frame of every slice; else None.
        affine: ``(4, 4)`` from (column, row, slice) to mm in RAS; None where there is no anatomy, as in a clip.
        headers: the headers of ``files``.
        warnings: what may not be as a reader expects, see :func:`monai_das.data.dicom.remarks.remarks`.
        beside: which files were found with them; None where the images came from a server.
    """

    files: tuple[Path, ...]
    refs: tuple[SliceRef, ...]
    frame_order: tuple[int, ...] | None
    affine: NDArray[np.float64] | None
    headers: tuple[ImageHeader, ...]
    warnings: tuple[Finding, ...] = ()
    beside: SeriesFiles | None = None


def dicom_slice_refs(path: str | PathLike[str], choose: Mapping[str, object] | None = None) -> list[SliceRef]:
    """Return the identity of every slice of a DICOM folder or file, in the source's own order, from headers only.

    Slices are sorted by projecting ImagePositionPatient on the slice normal, never by InstanceNumber or file name;
    the frames of a clip keep their order. Files that are not images are skipped; folders below ``path`` are not read.

    Args:
        path: a folder with the files of one series, or one file, single- or multi-frame.
        choose: DICOM keyword to value; only images with all of these values are taken, as
            ``{"SeriesInstanceUID": "1.2.3", "EchoNumbers": 2}`` where the folder holds more than one stack;
            ``"time_point"``, 0-based, chooses by InstanceNumber where no tag tells the stacks of a series apart.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: there is no image or a damaged one, several series, several time points or echoes, different
            orientations or sizes, one image twice, no image that ``choose`` fits, or a tag is missing; the message
            says where and what to do.
    """
    return list(dicom_stack(Path(path), choose).refs)


def dicom_stack(path: Path, choose: Mapping[str, object] | None = None) -> DICOMStack:
    """Return the stack of slices in the folder or file ``path``; arguments and errors of :func:`dicom_slice_refs`."""
    headers, files = series_headers(path, choose or {})
    stack = header_stack(chosen_headers(headers, choose or {}, path), path, (choose or {}).get(TIME_POINT))
    return replace(stack, beside=files)


def header_stack(headers: list[ImageHeader], path: Path | str, time_point: object = None) -> DICOMStack:
    """Return the stack that ``headers`` describe, at least one; ``path`` is their origin, for messages.

    ``time_point``, 0-based, chooses among the frames of one object that lie at one place; None where there is one.
    """
    _check_slices(headers, path)
    if len(headers) == 1 and headers[0].framed:
        return _frame_stack(headers[0], time_point)
    if len(headers) == 1 and any(headers[0].number_list(keyword) is None for keyword, _, _ in PLANE_TAGS):
        refs = (SliceRef(0, slice_uid(headers[0]), instance_number=instance_numbers(headers)[0]),)
        return DICOMStack((headers[0].path,), refs, None, None, (headers[0],), remarks(headers, ()))
    return _series_stack(headers, path)


def _check_slices(headers: list[ImageHeader], path: Path | str) -> None:
    """Raise ``ValueError`` unless ``headers``, of one case, have one size, no copies and no mosaics."""
    check_no_copies(headers, path)
    first = headers[0]
    for header in headers:
        size, expected = (one.size for one in (header, first))
        if size != expected:
            raise StudyError(
                path,
                f"slices of different size, {expected} rows and columns in one file and {size} in another; {SPLIT}",
                files=[first.path, header.path],
            )
    check_no_mosaic(headers)


def _series_stack(headers: list[ImageHeader], path: Path | str) -> DICOMStack:
    planes = [_plane(header) for header in headers]
    check_extents(planes, str(path))
    try:
        order = stack_order(planes, str(path))
    except StudyError as error:
        found, texts = stack_choices(headers)
        raise StudyError(path, f"{error.finding.plain}{found}", error.finding.files, texts) from error
    planes, headers = [planes[place] for place in order], [headers[place] for place in order]
    refs = tuple(
        SliceRef(index, slice_uid(header), position_mm=plane.position, instance_number=number)
        for index, (header, plane, number) in enumerate(zip(headers, planes, instance_numbers(headers), strict=True))
    )
    files = tuple(header.path for header in headers)
    affine = stack_affine(planes, frame_thickness(headers[0]))
    return DICOMStack(files, refs, None, affine, tuple(headers), remarks(headers, planes))


def _frame_stack(header: ImageHeader, time_point: object) -> DICOMStack:
    uid, count = slice_uid(header), header.frames
    planes = frame_planes(header) or tagged_planes(header)
    if planes is None and time_point is not None:
        raise StudyError(
            header.path,
            f"no {TIME_POINT} {harmless(str(time_point))} in a clip, whose frames are all taken; choose none",
        )
    if planes is None:
        times = frame_times(header)
        refs = tuple(SliceRef(index, uid, frame=index + 1, time_ms=times[index]) for index in range(count))
        warnings = (*remarks([header], ()), *unread_geometry(header))
        return DICOMStack((header.path,), refs, tuple(range(count)), None, (header,), warnings)
    check_extents(planes, str(header.path))
    order = frame_order(header, planes, time_point)
    refs = tuple(
        SliceRef(index, uid, frame=frame + 1, position_mm=planes[frame].position) for index, frame in enumerate(order)
    )
    ordered = [planes[frame] for frame in order]
    affine = stack_affine(ordered, frame_thickness(header))
    return DICOMStack((header.path,), refs, tuple(order), affine, (header,), remarks([header], ordered))


def _plane(header: ImageHeader) -> Plane:
    """Return where an image of one frame lies, by its own tags, or by its functional groups if it is enhanced."""
    planes = frame_planes(header) if header.framed else None
    if planes is not None:
        return replace(planes[0], label=header.path.name)
    values = []
    for keyword, name, size in PLANE_TAGS:
        value = header.number_list(keyword)
        if value is None or len(value) != size:
            raise StudyError(
                header.path,
                f"{name} must be {size} numbers, got {value}; without it slices cannot be put in order: "
                "repair it, or give the images one by one",
            )
        values.append(tuple(value))
    return Plane(header.path.name, *values)  # type: ignore[arg-type]


def instance_numbers(headers: Sequence[ImageHeader]) -> list[int | None]:
    """Return InstanceNumber (0020,0013) of each header; None where it is missing, no number, or that of another too."""
    texts = [undecoded(header, "InstanceNumber").strip() for header in headers]
    found = [int(text) if INTEGER.fullmatch(text) else None for text in texts]
    count = Counter(found)
    return [number if count[number] == 1 else None for number in found]


def slice_uid(header: ImageHeader) -> str | None:
    """Return SOPInstanceUID, None where it is missing or no UID: a text in its place may name a patient."""
    uid = header.text("SOPInstanceUID") or ""
    return uid if UID.fullmatch(uid) else None
