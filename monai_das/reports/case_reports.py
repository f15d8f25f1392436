"""Write the reports of one case, each by its own writer; one that fails does not take the others with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from monai_das.data import SliceSource, StudyBaseError, full_text, unchanged
from monai_das.inference import CaseResult
from monai_das.reports.fhir import write_imaging_selection
from monai_das.reports.html import write_html
from monai_das.reports.json_report import write_json
from monai_das.reports.key_objects import write_key_objects
from monai_das.reports.montage import write_montage
from monai_das.reports.predecessors import Predecessor
from monai_das.reports.privacy import error_message
from monai_das.reports.results_folder import FILES, replacing, writing
from monai_das.reports.secondary_capture import write_secondary_capture
from monai_das.reports.slices import write_slices
from monai_das.reports.structured_report import write_structured_report

Write: TypeAlias = Callable[[CaseResult, SliceSource, Path], object]
PLAIN: Mapping[str, Write] = {
    "png": write_montage,
    "html": write_html,
    "slices": write_slices,
    "json": lambda result, _, path: write_json(result, path),
}


def write_reports(
    result: CaseResult,
    source: SliceSource,
    folder: Path,
    reports: Sequence[str],
    *,
    include_phi: bool = False,
    predecessors: Sequence[Predecessor] = (),
) -> CaseResult:
    """Write ``reports`` of ``result`` into ``folder``, which holds no others then; return what the JSON shows.

    What fails is in its ``report_errors``, by the kind of report; the JSON, which is written last, tells it too.

    Args:
        result: the case, as predicted.
        source: the study of ``result``.
        folder: takes the place of an older folder at the end.
        reports: of :data:`~monai_das.reports.results_folder.FILES`.
        include_phi: whether warnings and errors may show paths and texts of headers.
        predecessors: earlier reports, from :func:`~monai_das.reports.find_reports`.

    Raises:
        CannotWriteError: the disk is full or read-only.
        ValueError: a file of ``source`` has changed since it was opened.
        Exception: the JSON cannot be written, or no report can.
    """
    shown = replace(result, warnings=tuple(map(full_text, result.warnings))) if include_phi else result
    structured = partial(write_structured_report, predecessors=predecessors)
    of_dicom: Mapping[str, Write] = {
        "kos": write_key_objects,
        "sr": structured,
        "sc": write_secondary_capture,
        "fhir": write_imaging_selection,
    }
    wanted = [kind for kind in FILES if kind in reports]
    with writing(folder.parent), replacing(folder) as new, unchanged(source.files, source.versions):
        for kind in wanted:
            try:
                if kind in PLAIN:
                    PLAIN[kind](shown, source, new / FILES[kind])
                else:
                    of_dicom[kind](result, source, new / FILES[kind])
            except Exception as error:
                full_disk = isinstance(error, OSError) and not isinstance(error, StudyBaseError)
                if full_disk or kind == "json" or len(shown.report_errors) + 1 == len(wanted):
                    raise
                message = error_message(error, result.case_id, include_phi=include_phi)
                shown = replace(shown, report_errors={**shown.report_errors, kind: message})
    return shown
