"""Write the montage as a DICOM Secondary Capture, which every viewer of the study can show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das._optional import require
from monai_das.data import SliceSource
from monai_das.data.dicom import text_warnings
from monai_das.inference import CaseResult
from monai_das.reports.document import new_instance, quiet_about_names, write_document
from monai_das.reports.montage import montage_pixels
from monai_das.reports.referenced_slices import ReferencedSlice, distinct_headers, frames_by_object, referenced_slices
from monai_das.reports.statements import in_one, statements

if TYPE_CHECKING:
    from pydicom import Dataset

COPIED = ("BodyPartExamined", "Laterality", "PatientPosition")
LOSSY_BY = ("LossyImageCompressionRatio", "LossyImageCompressionMethod")
# transfer syntaxes: JPEG baseline and extended, JPEG-LS near-lossless
LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81")
LONGEST_COMMENT = 10240


@quiet_about_names()
def write_secondary_capture(result: CaseResult, source: SliceSource, path: Path) -> None:
    """Write the montage of ``result`` to ``path`` as an RGB Secondary Capture.

    It refers to the selected slices as its source images. The same result gives the same object, see :mod:`.document`.

    Args:
        result: the case, as predicted.
        source: the study of ``result``; patient and study identity and the body part come from its headers.
        path: the DICOM file to write.

    Raises:
        ImportError: highdicom is not installed (extra ``dicom``).
        ValueError: ``source`` is not DICOM, or not the source of ``result``.
        OSError: ``path`` cannot be written.
    """
    sc = require("highdicom", extra="dicom").sc
    from pydicom.uid import ExplicitVRLittleEndian

    references = referenced_slices(result, source)
    headers = distinct_headers(references)
    image = sc.SCImage.from_ref_dataset(
        headers[0],
        pixel_array=montage_pixels(result, source),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **new_instance("pictures", result, headers),
    )
    image.PatientOrientation = None  # a montage has none, and highdicom insists on one
    for keyword in COPIED:
        if headers[0].get(keyword):
            setattr(image, keyword, headers[0][keyword].value)
    if not {"BodyPartExamined", "Laterality"} & set(image.dir()):
        image.Laterality = None  # 2C: must be there, unknown, where the body part may be a paired one
    image.ImageComments = in_one(statements(result, headers[0]))[:LONGEST_COMMENT]
    image.BurnedInAnnotation = "YES" if _names_patient(result, headers) else "NO"
    image.SourceImageSequence = _source_images(references)
    for lossy in filter(_was_lossy, headers):
        image.LossyImageCompression = "01"
        for keyword in LOSSY_BY:
            if keyword in lossy:
                setattr(image, keyword, lossy[keyword].value)
    write_document(image, headers[0], path)


def _names_patient(result: CaseResult, headers: Sequence[Dataset]) -> bool:
    """Say whether what is drawn may identify the patient: the name of the case, or text in pixels of the source."""
    return result.name is not None or bool(text_warnings(headers))


def _was_lossy(header: Dataset) -> bool:
    meta = getattr(header, "file_meta", None)
    return header.get("LossyImageCompression") == "01" or (meta and meta.get("TransferSyntaxUID")) in LOSSY


def _source_images(references: Sequence[ReferencedSlice]) -> list[Dataset]:
    from pydicom import Dataset

    frames, items = frames_by_object(references), []
    for header in distinct_headers(references):
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
        if frames[str(header.SOPInstanceUID)]:
            item.ReferencedFrameNumber = frames[str(header.SOPInstanceUID)]
        items.append(item)
    return items
