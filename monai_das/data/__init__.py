"""Files to volumes: read them, say who every slice is, find cases, and get data to learn from."""

from monai_das.data.cases import find_cases
from monai_das.data.dicom import dicom_slice_refs
from monai_das.data.medmnist import medmnist3d_datalist, medmnist3d_file
from monai_das.data.sample import make_sample_volumes, write_nifti
from monai_das.data.sample_dicom import write_dicom_series
from monai_das.data.slice_ref import SliceRef
from monai_das.data.source import SliceSource, WholeSource, open_source
from monai_das.data.stack_geometry import StackGeometry, dicom_geometry, stack_geometry
from monai_das.data.volume import DASVolumeReader, VolumeCase, plane_refs, read_volume

__all__ = [
    "DASVolumeReader",
    "SliceRef",
    "SliceSource",
    "StackGeometry",
    "VolumeCase",
    "WholeSource",
    "dicom_geometry",
    "dicom_slice_refs",
    "find_cases",
    "make_sample_volumes",
    "medmnist3d_datalist",
    "medmnist3d_file",
    "open_source",
    "plane_refs",
    "read_volume",
    "stack_geometry",
    "write_dicom_series",
    "write_nifti",
]
