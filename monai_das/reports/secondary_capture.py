"""Write the montage as a DICOM Secondary Capture, which every viewer of the study can show."""

from __future__ import annotations

from pathlib import Path

from monai_das._optional import require
from monai_das.data import SliceSource
from monai_das.inference import CaseResult
from monai_das.reports.document import new_instance, quiet_about_names, write_document
from monai_das.reports.montage import montage_pixels
from monai_das.reports.referenced_slices import referenced_slices

COPIED = ("BodyPartExamined", "Laterality", "PatientPosition")


@quiet_about_names()
def write_secondary_capture(result: CaseResult, source: SliceSource, path: Path) -> None:
    """Write the montage of ``result`` to ``path`` as an RGB Secondary Capture, new at every call.

    Args:
        result: the case, as predicted, with its pictures.
        source: the study of ``result``; patient and study identity and the body part come from its headers.
        path: the DICOM file to write.

    Raises:
        ImportError: highdicom is not installed (extra ``dicom``).
        ValueError: ``source`` is not DICOM, or not the source of ``result``.
        OSError: ``path`` cannot be written.
    """
    sc = require("highdicom", extra="dicom").sc
    header = referenced_slices(result, source)[0].header
    image = sc.SCImage.from_ref_dataset(
        header,
        pixel_array=montage_pixels(result),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        **new_instance(3),
    )
    image.PatientOrientation = None  # a montage has none, and highdicom insists on one
    image.SeriesDescription = "Selected slices"
    for keyword in COPIED:
        if header.get(keyword):
            setattr(image, keyword, header[keyword].value)
    if not {"BodyPartExamined", "Laterality"} & set(image.dir()):
        image.Laterality = None  # 2C: must be there, unknown, where the body part may be a paired one
    if result.notices:
        image.ImageComments = ". ".join(result.notices)
    if result.warnings:
        image.BurnedInAnnotation = "YES"
    write_document(image, header, path)
