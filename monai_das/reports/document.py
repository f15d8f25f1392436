"""Shared parts of our DICOM objects: new UIDs, the device that made them, and the patient."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import monai_das
from monai_das._atomic import atomic_path
from monai_das._optional import require
from monai_das.inference import CaseResult

if TYPE_CHECKING:
    from pydicom import Dataset

MANUFACTURER = "monai-das"
SCHEME = "99MONAIDAS"
# ours beside those of the scanner, which count from 1
SERIES_NUMBER = 9000
LONGEST_TEXT = 64


@contextmanager
def quiet_about_names() -> Iterator[None]:
    """Keep highdicom from quoting the patient's name in a warning if the name has only one part."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The string .* is unlikely to represent the intended person name")
        yield


def new_instance(offset: int) -> dict[str, Any]:
    """Return new UIDs and a series number for a document in a series of its own."""
    from pydicom.uid import generate_uid

    return {
        "series_instance_uid": generate_uid(prefix=None),
        "series_number": SERIES_NUMBER + offset,
        "sop_instance_uid": generate_uid(prefix=None),
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MANUFACTURER,
        "software_versions": monai_das.__version__,
        "device_serial_number": "none",
    }


def device_context(result: CaseResult) -> Any:
    """Return the model as the observer; its UID is derived from its weights."""
    sr = require("highdicom", extra="dicom").sr
    from pydicom.sr.codedict import codes

    model = result.model
    return sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=f"2.25.{int(model.weights_sha256[:32], 16)}",
            name=f"{model.name} {model.version}"[:LONGEST_TEXT],
            manufacturer_name=MANUFACTURER,
        ),
    )


def own_code(value: str, meaning: str) -> Any:
    """Return a code of our private scheme; a long ``meaning`` is cut."""
    from pydicom.sr.coding import Code

    return Code(value, SCHEME, meaning[:LONGEST_TEXT])


def write_document(document: Any, header: Dataset, path: Path) -> None:
    """Write ``document``, made by highdicom, with the patient and study modules of ``header``, whole or not at all."""
    document.copy_patient_and_study_information(header)
    with atomic_path(path) as temporary:
        document.save_as(temporary)
