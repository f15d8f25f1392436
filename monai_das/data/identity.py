"""What tells a study from all others, whatever its path, name and order: UIDs, or the content where there are none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Union

from monai_das.data.dicom import ImageHeader, header_ahead, series_files, split_place
from monai_das.data.dicomweb import is_address, without_login
from monai_das.data.source import SliceSource

Identity = tuple[str, ...]
CHUNK = 1 << 20
# of a file that cannot be opened: it may claim any size
MOST_BYTES = 16 << 20
PATIENT_TAGS = ("PatientID", "IssuerOfPatientID", "StudyInstanceUID")


def source_identity(source: SliceSource) -> Identity:
    """Return what identifies the study ``source``; the same from disk, DICOMweb and Deploy.

    For DICOM these are SeriesInstanceUID and, of every slice, SOPInstanceUID and frame. So time points and echoes of
    one series are different cases, and so is a series of which a slice is missing: slice numbers mean another slice
    there. Where UIDs are missing or the same for several slices, and for all other kinds, it is the content: the bytes
    of the files, or the values where no file holds them.
    """
    places = [(ref.sop_instance_uid, ref.frame) for ref in source.refs]
    header = source.pixel_header(0)
    if header is not None and all(uid for uid, _ in places) and len(set(places)) == len(places):
        return _by_uids([str(header.get("SeriesInstanceUID") or "")], places)
    if source.files:
        return ("files", source.part, *sorted(file_digest(path) for path in source.files))
    return ("values", source.part, _values_digest(source))


def study_identity(study: Union[Path, str]) -> Identity:
    """Return what can be known of a ``study`` that cannot be opened, a path or address; this never fails.

    These are the UIDs of the headers that can be read or of the address, else the bytes of a file, else the path.
    """
    if isinstance(study, str):
        clean = without_login(study)[0].rstrip("/") if is_address(study) else study
        return ("address", *(re.findall(r"(?<=/)[\d.]+(?=/|$)", clean.partition("/studies")[2]) or [clean]))
    try:
        folder, series = split_place(study)
        files = sorted(folder.iterdir()) if folder.is_dir() else [study]
        if series is not None:
            files = [*series_files(study).images]
        headers = [header for path in files if (header := _readable(path)) is not None]
        if headers:
            return headers_identity(headers)
        if study.is_file():
            return ("part of a file", str(study.stat().st_size), file_digest(study, MOST_BYTES))
    except (OSError, ValueError):
        pass
    return ("path", str(study.absolute()))


def headers_identity(headers: Sequence[ImageHeader]) -> Identity:
    """Return the identity of the case that is made of all ``headers``, as :func:`source_identity` has it."""
    places = [
        (header.text("SOPInstanceUID"), frame)
        for header in headers
        for frame in (range(1, header.frames + 1) if header.framed else (None,))
    ]
    return _by_uids({header.text("SeriesInstanceUID") or "" for header in headers}, places)


def source_patient(source: SliceSource) -> Identity | None:
    """Return PatientID and its issuer, else StudyInstanceUID; None where the source has neither."""
    header = source.pixel_header(0)
    if header is None:
        return None
    patient, issuer, study = (str(header.get(keyword) or "").strip() for keyword in PATIENT_TAGS)
    if patient:
        return ("patient", patient, issuer)
    return ("study", study) if study else None


def file_digest(path: Path, most: int | None = None) -> str:
    """Return the SHA-256 of the first ``most`` bytes of a file, by default of all, in hexadecimal."""
    digest, left = hashlib.sha256(), most
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK if left is None else min(CHUNK, left)):
            digest.update(chunk)
            left = None if left is None else left - len(chunk)
    return digest.hexdigest()


def _by_uids(series: Iterable[str], places: Iterable[tuple[str | None, int | None]]) -> Identity:
    return ("dicom", *sorted(series), *sorted(f"{uid}/{frame or 0}" for uid, frame in places))


def _values_digest(source: SliceSource) -> str:
    """Return the SHA-256 of size, affine and values, read slice by slice."""
    digest = hashlib.sha256(repr((source.channels, source.plane_shape, len(source))).encode())
    digest.update(source.full_affine().astype("<f8").tobytes())
    for index in range(len(source)):
        digest.update(source.read([index]).numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def _readable(path: Path) -> ImageHeader | None:
    """Return the header of ``path``, None where it has none or it is damaged."""
    try:
        return header_ahead(path) if path.is_file() else None
    except (OSError, ValueError):
        return None
