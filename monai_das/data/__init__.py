"""From a path, folder, address or array to a :class:`SliceSource`; finding cases; readers for MONAI."""

from monai_das.data.budget import memory_limit
from monai_das.data.case_key import CASE_ID, CaseKey, ensure_case_key, read_case_key
from monai_das.data.cases import find_cases
from monai_das.data.choice import chosen_place
from monai_das.data.dicom import (
    DICOMSource,
    StackGeometry,
    dicom_geometry,
    dicom_slice_refs,
    is_dicom_file,
    stack_geometry,
    text_warnings,
    without_text,
)
from monai_das.data.dicom_video import DICOMVideoSource
from monai_das.data.dicomweb import DICOMwebSource, dicomweb_session, is_address, without_login
from monai_das.data.file_versions import unchanged
from monai_das.data.kept import KeptSource
from monai_das.data.messages import Finding, StudyBaseError, StudyError, finding_of, full_text, plain_text
from monai_das.data.nifti import NIfTISource
from monai_das.data.open import open_source, read_volume
from monai_das.data.readers import DASClipReader, DASVolumeReader
from monai_das.data.refs import plane_refs
from monai_das.data.silence import silence_libraries
from monai_das.data.source import SliceRef, SliceSource
from monai_das.data.studies import PassedOver, Study, Survey, dicomweb_cases, find_studies, survey_studies
from monai_das.data.video import VideoSource
from monai_das.data.whole import VolumeCase, WholeSource

__all__ = [
    "CASE_ID",
    "CaseKey",
    "DASClipReader",
    "DASVolumeReader",
    "DICOMSource",
    "DICOMVideoSource",
    "DICOMwebSource",
    "Finding",
    "KeptSource",
    "NIfTISource",
    "PassedOver",
    "SliceRef",
    "SliceSource",
    "StackGeometry",
    "Study",
    "StudyBaseError",
    "StudyError",
    "Survey",
    "VideoSource",
    "VolumeCase",
    "WholeSource",
    "chosen_place",
    "dicom_geometry",
    "dicom_slice_refs",
    "dicomweb_cases",
    "dicomweb_session",
    "ensure_case_key",
    "find_cases",
    "find_studies",
    "finding_of",
    "full_text",
    "is_address",
    "is_dicom_file",
    "memory_limit",
    "open_source",
    "plain_text",
    "plane_refs",
    "read_case_key",
    "read_volume",
    "silence_libraries",
    "stack_geometry",
    "survey_studies",
    "text_warnings",
    "unchanged",
    "without_login",
    "without_text",
]
