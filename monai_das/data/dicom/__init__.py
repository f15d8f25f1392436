"""DICOM on disk: series and multi-frame objects, known by their headers, decoded slice by slice."""

from monai_das.data.dicom.acquired import object_name
from monai_das.data.dicom.bare import is_dicom_file, is_dicom_start, read_dataset, whole_file
from monai_das.data.dicom.burned_in import text_warnings, without_text
from monai_das.data.dicom.folder import header_ahead
from monai_das.data.dicom.frames import frame_rescale, frame_times
from monai_das.data.dicom.grouping import (
    Grouping,
    ImageRecord,
    SeriesCase,
    group_series,
    image_record,
    kinds_listing,
    one_case,
)
from monai_das.data.dicom.headers import ImageHeader, image_header
from monai_das.data.dicom.masked import masked_source
from monai_das.data.dicom.pixel_file import PixelFile, VideoInsideError, check_pixels
from monai_das.data.dicom.series import chosen_headers
from monai_das.data.dicom.series_files import (
    DICOMFolder,
    DICOMTree,
    SeriesFiles,
    keep_found,
    series_files,
    series_place,
    split_place,
)
from monai_das.data.dicom.series_headers import image_headers, images_ahead
from monai_das.data.dicom.shown import CURVE_STEPS, HeaderWindow, header_window, pixel_aspect
from monai_das.data.dicom.source import DICOMSource
from monai_das.data.dicom.stack import dicom_slice_refs, header_stack, slice_uid
from monai_das.data.dicom.stack_geometry import StackGeometry, dicom_geometry, geometry_of, stack_geometry
from monai_das.data.dicom.strays import DICOM_SUFFIXES, lost_slices

__all__ = [
    "CURVE_STEPS",
    "DICOM_SUFFIXES",
    "DICOMFolder",
    "DICOMSource",
    "DICOMTree",
    "Grouping",
    "HeaderWindow",
    "ImageHeader",
    "ImageRecord",
    "PixelFile",
    "SeriesCase",
    "SeriesFiles",
    "StackGeometry",
    "VideoInsideError",
    "check_pixels",
    "chosen_headers",
    "dicom_geometry",
    "dicom_slice_refs",
    "frame_rescale",
    "frame_times",
    "geometry_of",
    "group_series",
    "header_ahead",
    "header_stack",
    "header_window",
    "image_header",
    "image_headers",
    "image_record",
    "images_ahead",
    "is_dicom_file",
    "is_dicom_start",
    "keep_found",
    "kinds_listing",
    "lost_slices",
    "masked_source",
    "object_name",
    "one_case",
    "pixel_aspect",
    "read_dataset",
    "series_files",
    "series_place",
    "slice_uid",
    "split_place",
    "stack_geometry",
    "text_warnings",
    "whole_file",
    "without_text",
]
