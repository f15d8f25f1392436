"""Write the selected slices as a DICOM Key Object Selection, which archives can fetch and viewers can flag."""

from __future__ import annotations

from pathlib import Path

from monai_das._optional import require
from monai_das.data import SliceSource
from monai_das.inference import CaseResult
from monai_das.reports.document import device_context, new_instance, quiet_about_names, write_document
from monai_das.reports.referenced_slices import distinct_headers, referenced_slices


@quiet_about_names()
def write_key_objects(result: CaseResult, source: SliceSource, path: Path) -> None:
    """Write the selected slices of ``result`` to ``path`` as a Key Object Selection "Of Interest", new at every call.

    Notices follow in the description. In a multi-frame object it refers to the selected frames, counted from 1.

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

    model, references = result.model, referenced_slices(result, source)
    headers = distinct_headers(references)
    words = f"{len(references)} of {result.total_slices} selected by {model.name} {model.version}"
    content = ko.KeyObjectSelection(
        document_title=codes.DCM.OfInterest,
        referenced_objects=headers,
        observer_device_context=device_context(result),
        description=". ".join((words, *result.notices)),
    )
    document = ko.KeyObjectSelectionDocument(evidence=headers, content=content, **new_instance(1))
    for item in document.ContentSequence:
        if item.ValueType == "IMAGE":
            reference = item.ReferencedSOPSequence[0]
            frames = [
                frame
                for each in references
                if each.header.SOPInstanceUID == reference.ReferencedSOPInstanceUID
                for frame in each.frames or ()
            ]
            if frames:
                reference.ReferencedFrameNumber = frames
    write_document(document, headers[0], path)
