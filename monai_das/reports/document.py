"""Shared parts of our DICOM objects: what makes them, the patient, and UIDs and dates that follow from the content."""

from __future__ import annotations

import hashlib
import re
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import monai_das
from monai_das._atomic import atomic_path
from monai_das._optional import require
from monai_das.inference import CaseResult, DASModelInfo
from monai_das.reports.codes import LONGEST_TEXT
from monai_das.reports.statements import series_description

if TYPE_CHECKING:
    from pydicom import Dataset

MANUFACTURER = "monai-das"
# ours beside those of the scanner, which count from 1
SERIES_NUMBERS = {"key slices": 9001, "report": 9002, "pictures": 9003}
DATES = ("Acquisition", "Content", "Series", "Study")
UNKNOWN = ("19000101", "000000")
# what highdicom sets to the time of writing, and the standard leaves free
OF_TODAY = (
    *("InstanceCreationDate", "InstanceCreationTime", "ContributionDateTime"),
    *("DateOfSecondaryCapture", "TimeOfSecondaryCapture"),
)
DATE, TIME = re.compile(r"[12]\d{3}(0[1-9]|1[0-2])[0-3]\d"), re.compile(r"[0-2]\d([0-5]\d){0,2}(\.\d{1,6})?")
PLACEHOLDER = "2.25.0"


@contextmanager
def quiet_about_names() -> Iterator[None]:
    """Keep highdicom from quoting the patient's name in a warning if the name has only one part."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The string .* is unlikely to represent the intended person name")
        yield


def new_instance(kind: str, result: CaseResult, headers: Sequence[Dataset]) -> dict[str, Any]:
    """Return what highdicom asks for beside content and evidence, for a document in a series of its own.

    Its UIDs are set by :func:`write_document`.
    """
    date, time = newest_date(headers)
    return {
        "series_instance_uid": PLACEHOLDER,
        "series_number": SERIES_NUMBERS[kind],
        "series_description": series_description(kind, result, headers[0]),
        "sop_instance_uid": PLACEHOLDER,
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MANUFACTURER,
        "software_versions": monai_das.__version__,
        "device_serial_number": "none",
        "content_date": date,
        "content_time": time,
    }


def device_context(result: CaseResult) -> Any:
    """Return the model as the observer; its UID is derived from its weights."""
    sr = require("highdicom", extra="dicom").sr
    from pydicom.sr.codedict import codes

    model = result.model
    return sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=model_uid(model),
            name=f"{model.name} {model.version}"[:LONGEST_TEXT],
            manufacturer_name=MANUFACTURER,
        ),
    )


def model_uid(model: DASModelInfo) -> str:
    """Return the UID by which our documents name a model: it follows from the weights."""
    return f"2.25.{int(model.weights_sha256[:32], 16)}"


def derived_uid(*parts: str | bytes) -> str:
    """Return a UID that follows from ``parts``.

    Example:
        >>> derived_uid("1.2.3", "a") == derived_uid("1.2.3", "a") != derived_uid("1.2.3", "b")
        True
    """
    digests = b"".join(hashlib.sha256(part if isinstance(part, bytes) else part.encode()).digest() for part in parts)
    return f"2.25.{uuid.UUID(bytes=hashlib.sha256(digests).digest()[:16], version=5).int}"


def newest_date(headers: Sequence[Dataset]) -> tuple[str, str]:
    """Return the latest date and time in ``headers``, of acquisition, content, series or study.

    It stands for the date of a document, which must be the same when it is made again; 1900-01-01 where no header has
    one, as after anonymisation.
    """
    given = [
        (str(header.get(f"{name}Date") or "").strip(), str(header.get(f"{name}Time") or "").strip())
        for header in headers
        for name in DATES
    ]
    given += [(moment[:8], moment[8:14]) for header in headers if (moment := str(header.get("AcquisitionDateTime")))]
    known = [(date, time if TIME.fullmatch(time) else "000000") for date, time in given if DATE.fullmatch(date)]
    return max(known, default=UNKNOWN)


def write_document(document: Any, header: Dataset, path: Path) -> str:
    """Write ``document``, made by highdicom, whole or not at all; return its SOPInstanceUID.

    It gets the patient and study modules of ``header``, and UIDs that follow from all of its content: the same content
    is the same object, so that an archive which has it keeps one.
    """
    document.copy_patient_and_study_information(header)
    for item in (document, *document.get("ContributingEquipmentSequence", ())):
        for keyword in OF_TODAY:
            if keyword in item:
                delattr(item, keyword)
    stream = BytesIO()
    document.save_as(stream)
    document.SeriesInstanceUID = derived_uid("series", stream.getvalue())
    document.SOPInstanceUID = document.file_meta.MediaStorageSOPInstanceUID = derived_uid("object", stream.getvalue())
    with atomic_path(path) as temporary:
        document.save_as(temporary)
    return str(document.SOPInstanceUID)
