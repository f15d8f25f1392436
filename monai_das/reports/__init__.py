"""Write a :class:`~monai_das.inference.CaseResult` as JSON, picture, page, DICOM or FHIR; an atomic writer each."""

from monai_das.reports.batch import (
    CaseError,
    CaseRun,
    DoneBefore,
    Outcome,
    ReportSettings,
    SameCase,
    report_cases,
    write_errors,
)
from monai_das.reports.case_map import CaseMap, read_case_map
from monai_das.reports.case_reports import write_reports
from monai_das.reports.fhir import write_imaging_selection
from monai_das.reports.html import write_html
from monai_das.reports.json_report import as_json, write_json, write_object
from monai_das.reports.key_objects import write_key_objects
from monai_das.reports.montage import write_montage
from monai_das.reports.predecessors import Predecessor, find_reports
from monai_das.reports.results_folder import CannotWriteError, file_lock, out_folder, refuse_others
from monai_das.reports.secondary_capture import write_secondary_capture
from monai_das.reports.send import SendOptions, send_files
from monai_das.reports.slices import write_slices
from monai_das.reports.structured_report import write_structured_report

__all__ = [
    "CannotWriteError",
    "CaseError",
    "CaseMap",
    "CaseRun",
    "DoneBefore",
    "Outcome",
    "Predecessor",
    "ReportSettings",
    "SameCase",
    "SendOptions",
    "as_json",
    "file_lock",
    "find_reports",
    "out_folder",
    "read_case_map",
    "refuse_others",
    "report_cases",
    "send_files",
    "write_errors",
    "write_html",
    "write_imaging_selection",
    "write_json",
    "write_key_objects",
    "write_montage",
    "write_object",
    "write_reports",
    "write_secondary_capture",
    "write_slices",
    "write_structured_report",
]
