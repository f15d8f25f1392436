"""Write the selected slices as a DICOM Key Object Selection, which archives can fetch and viewers can flag."""

from __future__ import annotations

from pathlib import Path

from monai_das._optional import require
from monai_das.data import SliceSource
from monai_das.inference import CaseResult
from monai_das.reports.document import device_context, new_instance, quiet_about_names, write_document
from monai_das.reports.referenced_slices import distinct_headers, frames_by_object, referenced_slices
from monai_das.reports.statements import in_one, statements


@quiet_about_names()
def write_key_objects(result: CaseResult, source: SliceSource, path: Path) -> None:
    """Write the selected slices of ``result`` to ``path`` as a Key Object Selection "Of Interest".

    The description holds all that the report says in words. In a multi-frame object it refers to the selected frames,
    counted from 1. The same result gives the same object, see :mod:`.document`.

    Args:
        result: the case, as predicted.
        source: the study of ``result``; patient and study identity come from its headers.
        path: the DICOM file to write.

    Raises:
        ImportError: highdicom is not installed (extra ``dicom``).
        ValueError: ``source`` is not DICOM, or not the source of ``result``.
        OSError: ``path`` cannot be written.
    """
    ko = require("highdicom", extra="dicom").ko
    from pydicom.sr.codedict import codes

    references = referenced_slices(result, source)
    headers = distinct_headers(references)
    content = ko.KeyObjectSelection(
        document_title=codes.DCM.OfInterest,
        referenced_objects=headers,
        observer_device_context=device_context(result),
        description=in_one(statements(result, headers[0])),
    )
    instance = new_instance("key slices", result, headers)
    document = ko.KeyObjectSelectionDocument(evidence=headers, content=content, **instance)
    frames = frames_by_object(references)
    for item in document.ContentSequence:
        if item.ValueType == "IMAGE":
            reference = item.ReferencedSOPSequence[0]
            if frames[reference.ReferencedSOPInstanceUID]:
                reference.ReferencedFrameNumber = frames[reference.ReferencedSOPInstanceUID]
    write_document(document, headers[0], path)
