"""A :class:`~monai_das.inference.CaseResult` as JSON, picture and web page; one writer per file, all atomic."""

from monai_das.reports.batch import CaseError, report_cases
from monai_das.reports.html import write_html
from monai_das.reports.json_report import write_json
from monai_das.reports.montage import write_montage

__all__ = ["CaseError", "report_cases", "write_html", "write_json", "write_montage"]
