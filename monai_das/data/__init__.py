"""Files to volumes: read them, say who every slice is, and find cases."""

from monai_das.data.cases import find_cases
from monai_das.data.clips import DASClipReader
from monai_das.data.dicom.burned_in import text_warnings, without_text
from monai_das.data.dicom.headers import is_dicom_file
from monai_das.data.dicom.source import DICOMSource
from monai_das.data.dicom.stack import dicom_slice_refs
from monai_das.data.dicom.stack_geometry import StackGeometry, dicom_geometry, stack_geometry
from monai_das.data.dicomweb.login import dicomweb_session
from monai_das.data.dicomweb.service import is_address, without_login
from monai_das.data.dicomweb.source import DICOMwebSource
from monai_das.data.nifti.source import NIfTISource
from monai_das.data.slice_ref import SliceRef
from monai_das.data.source import SliceSource, WholeSource, open_source
from monai_das.data.studies import Study, dicomweb_cases, find_studies
from monai_das.data.video.source import VideoSource
from monai_das.data.volume import DASVolumeReader, VolumeCase, plane_refs, read_volume

__all__ = [
    "DASClipReader",
    "DASVolumeReader",
    "DICOMSource",
    "DICOMwebSource",
    "NIfTISource",
    "SliceRef",
    "SliceSource",
    "StackGeometry",
    "Study",
    "VideoSource",
    "VolumeCase",
    "WholeSource",
    "dicom_geometry",
    "dicom_slice_refs",
    "dicomweb_cases",
    "dicomweb_session",
    "find_cases",
    "find_studies",
    "is_address",
    "is_dicom_file",
    "open_source",
    "plane_refs",
    "read_volume",
    "stack_geometry",
    "text_warnings",
    "without_login",
    "without_text",
]
