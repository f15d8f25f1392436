"""Files to volumes: read them, say who every slice is, find cases, and get data to learn from."""

from monai_das.data.burned_in import text_warnings, without_text
from monai_das.data.cases import find_cases
from monai_das.data.clips import DASClipReader
from monai_das.data.datalists import csv_datalist, dicom_datalist, folder_datalist, split_by_patient, write_datalist
from monai_das.data.dicom import dicom_slice_refs
from monai_das.data.dicom_source import DICOMSource
from monai_das.data.dicomweb import DICOMwebSource
from monai_das.data.dicomweb_login import dicomweb_session
from monai_das.data.dicomweb_service import is_address, without_login
from monai_das.data.headers import is_dicom_file
from monai_das.data.medmnist import medmnist3d_datalist, medmnist3d_file
from monai_das.data.nifti_source import NIfTISource
from monai_das.data.reviewed import reviewed_datalist
from monai_das.data.sample import make_sample_volumes, write_nifti
from monai_das.data.sample_dicom import write_dicom_series
from monai_das.data.sample_syntax import compress_dicom_series
from monai_das.data.slice_ref import SliceRef
from monai_das.data.source import SliceSource, WholeSource, open_source
from monai_das.data.stack_geometry import StackGeometry, dicom_geometry, stack_geometry
from monai_das.data.studies import Study, dicomweb_cases, find_studies
from monai_das.data.ultrasound import busv_items, covid_blues_datalist
from monai_das.data.video import VideoSource
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
    "busv_items",
    "compress_dicom_series",
    "covid_blues_datalist",
    "csv_datalist",
    "dicom_datalist",
    "dicom_geometry",
    "dicom_slice_refs",
    "dicomweb_cases",
    "dicomweb_session",
    "find_cases",
    "find_studies",
    "folder_datalist",
    "is_address",
    "is_dicom_file",
    "make_sample_volumes",
    "medmnist3d_datalist",
    "medmnist3d_file",
    "open_source",
    "plane_refs",
    "read_volume",
    "reviewed_datalist",
    "split_by_patient",
    "stack_geometry",
    "text_warnings",
    "without_login",
    "without_text",
    "write_datalist",
    "write_dicom_series",
    "write_nifti",
]
