"""DICOM on disk: series and multi-frame objects, known by their headers, decoded slice by slice."""

from monai_das.data.dicom.burned_in import text_warnings, without_text
from monai_das.data.dicom.folder import header_ahead, image_headers, images_ahead
from monai_das.data.dicom.frames import frame_rescale, frame_times
from monai_das.data.dicom.headers import ImageHeader, image_header, is_dicom_file
from monai_das.data.dicom.masked import masked_source
from monai_das.data.dicom.pixel_file import PixelFile, VideoInsideError, check_pixels
from monai_das.data.dicom.series import chosen_headers
from monai_das.data.dicom.source import DICOMSource
from monai_das.data.dicom.stack import dicom_slice_refs, header_stack
from monai_das.data.dicom.stack_geometry import StackGeometry, dicom_geometry, geometry_of, stack_geometry
from monai_das.data.dicom.strays import DICOM_SUFFIXES, lost_slices

__all__ = [
    "DICOM_SUFFIXES",
    "DICOMSource",
    "ImageHeader",
    "PixelFile",
    "StackGeometry",
    "VideoInsideError",
    "check_pixels",
    "chosen_headers",
    "dicom_geometry",
    "dicom_slice_refs",
    "frame_rescale",
    "frame_times",
    "geometry_of",
    "header_ahead",
    "header_stack",
    "image_header",
    "image_headers",
    "images_ahead",
    "is_dicom_file",
    "lost_slices",
    "masked_source",
    "stack_geometry",
    "text_warnings",
    "without_text",
]
