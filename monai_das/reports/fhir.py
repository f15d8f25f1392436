"""Write the selected slices as a FHIR R5 ImagingSelection, for systems that read no DICOM."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from html import escape
from pathlib import Path
from typing import Any

from monai_das.data import SliceSource
from monai_das.inference import CaseResult
from monai_das.reports.codes import MEANINGS
from monai_das.reports.document import derived_uid, newest_date
from monai_das.reports.json_report import write_object
from monai_das.reports.referenced_slices import distinct_headers, frames_by_object, referenced_slices
from monai_das.reports.statements import statements

DCM = "http://dicom.nema.org/resources/ontology/DCM"
URI, UIDS = "urn:ietf:rfc:3986", "urn:dicom:uid"


def write_imaging_selection(result: CaseResult, source: SliceSource, path: Path) -> None:
    """Write the selected slices of ``result`` to ``path`` as an ImagingSelection "Of Interest" (FHIR R5).

    It says in words what the other reports for archives say. Of the patient it holds PatientID, as these do, and no
    name. The same result gives the same resource, by whose identifier a server knows it again.

    Raises:
        ImportError: highdicom is not installed (extra ``dicom``).
        ValueError: ``source`` is not DICOM, or not the source of ``result``.
        OSError: ``path`` cannot be written.
    """
    references = referenced_slices(result, source)
    headers, frames = distinct_headers(references), frames_by_object(references)
    header, model = headers[0], result.model
    said = [("predicted-class", f"{result.label_name} ({result.probabilities[result.label_name]:.1%})")]
    rows = "".join(
        f"<p>{escape(MEANINGS[name])}: {escape(words)}</p>" for name, words in said + statements(result, header)
    )
    patient, frame_of_reference = (str(header.get(name) or "") for name in ("PatientID", "FrameOfReferenceUID"))
    found: dict[str, Any] = {
        "resourceType": "ImagingSelection",
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{rows}</div>'},
        "status": "available",
        **({"subject": {"type": "Patient", "identifier": {"value": patient}}} if patient else {}),
        "issued": _instant(*newest_date(headers)),
        "performer": [{"actor": {"type": "Device", "display": f"{model.name} {model.version}"}}],
        "code": {"coding": [{"system": DCM, "code": "113000", "display": "Of Interest"}]},
        "studyUid": str(header.StudyInstanceUID),
        "derivedFrom": [
            {"type": "ImagingStudy", "identifier": {"system": UIDS, "value": f"urn:oid:{header.StudyInstanceUID}"}}
        ],
        "seriesUid": str(header.SeriesInstanceUID),
        **({"frameOfReferenceUid": frame_of_reference} if frame_of_reference else {}),
        "instance": [_instance(each, frames[str(each.SOPInstanceUID)]) for each in headers],
    }
    uid = derived_uid("imaging selection", json.dumps(found))
    write_object({**found, "identifier": [{"system": URI, "value": f"urn:oid:{uid}"}]}, path)


def _instance(header: Any, frames: list[int]) -> dict[str, Any]:
    number = header.get("InstanceNumber")
    return {
        "uid": str(header.SOPInstanceUID),
        **({} if number is None else {"number": int(number)}),
        "sopClass": {"system": URI, "code": f"urn:oid:{header.SOPClassUID}"},
        **({"subset": [str(frame) for frame in frames]} if frames else {}),
    }


def _instant(date: str, time: str) -> str:
    """Return an instant; DICOM's date and time have no zone, which FHIR asks for, and are taken as UTC."""
    moment = datetime.strptime(f"{date}{time.partition('.')[0]:0<6}", "%Y%m%d%H%M%S")
    return moment.replace(tzinfo=timezone.utc).isoformat()
