"""Write all reports of many cases, one folder for each; a failed case does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from monai_das.data import SliceSource, Study, full_text, open_source
from monai_das.inference import CaseResult, Predictor
from monai_das.reports.html import write_html
from monai_das.reports.json_report import write_json, write_object
from monai_das.reports.key_objects import write_key_objects
from monai_das.reports.montage import write_montage
from monai_das.reports.privacy import error_message
from monai_das.reports.secondary_capture import write_secondary_capture
from monai_das.reports.slices import write_slices
from monai_das.reports.structured_report import write_structured_report

ERRORS = "errors.json"
# in the order of writing: where result.json is, the others are too
FILES = {
    "png": "montage.png",
    "html": "case.html",
    "slices": "slices.zip",
    "kos": "key_objects.dcm",
    "sr": "report.dcm",
    "sc": "montage.dcm",
    "json": "result.json",
}


@dataclass(frozen=True)
class CaseError:
    """Which case failed, and why."""

    case: str
    error: str


def report_cases(
    predictor: Predictor,
    cases: Iterable[tuple[str, Study]],
    folder: Path,
    reports: Sequence[str] = ("json", "png"),
    *,
    include_phi: bool = False,
    session: Any = None,
) -> Iterator[CaseResult | CaseError]:
    """Predict every case, write its reports into ``folder/<case>`` and yield each when it is done.

    ``folder/errors.json`` names the cases that failed so far; without failures there is no such file. A failed case
    leaves no reports, not even older ones. A case that succeeds leaves no reports of an older run.

    Args:
        predictor: the model.
        cases: the id of each case, which names its folder, and its path or address. Ids are written unchanged, so pass
            the cases through :func:`pseudonyms`.
        folder: made if missing.
        reports: ``"json"`` (``result.json``), ``"png"`` (``montage.png``), ``"html"`` (``case.html``), ``"slices"``
            (``slices.zip``), and for DICOM cases ``"kos"`` (``key_objects.dcm``), ``"sr"`` (``report.dcm``) and
            ``"sc"`` (``montage.dcm``).
        include_phi: whether errors and warnings may hold paths, addresses and texts of headers.
        session: a ``requests.Session`` for addresses, see :func:`~monai_das.data.dicomweb_session`.

    Raises:
        ValueError: there is no such report.
    """
    unknown = sorted(set(reports) - set(FILES))
    if unknown:
        raise ValueError(f"reports must be of {', '.join(sorted(FILES))}, got {', '.join(unknown)}")
    (folder / ERRORS).unlink(missing_ok=True)
    errors = []
    for case_id, path in cases:
        try:
            outcome: CaseResult | CaseError = _report_case(
                predictor, (case_id, path, session), folder / case_id, reports, include_phi=include_phi
            )
        except Exception as error:
            outcome = CaseError(case_id, _printable(error_message(error, case_id, include_phi=include_phi)))
            _remove(folder / case_id, FILES)
            errors.append(asdict(outcome))
            write_object({"errors": errors}, folder / ERRORS)
        yield outcome


def _report_case(
    predictor: Predictor, case: tuple[str, Study, Any], folder: Path, reports: Sequence[str], *, include_phi: bool
) -> CaseResult:
    """Write the reports of ``case`` (its id, study and session) and return its result."""
    case_id, study, session = case
    plain: dict[str, Callable[[CaseResult, Path], None]]
    plain = {"png": write_montage, "html": write_html, "slices": write_slices, "json": write_json}
    dicom: dict[str, Callable[[CaseResult, SliceSource, Path], None]]
    dicom = {"kos": write_key_objects, "sr": write_structured_report, "sc": write_secondary_capture}
    start = time.perf_counter()
    source = open_source(study, session=session)
    result = predictor.predict(source, case_id, opening_ms=1000.0 * (time.perf_counter() - start))
    if include_phi:
        result = replace(result, warnings=tuple(map(full_text, result.warnings)))
    _remove(folder, set(FILES) - set(reports))
    for kind, name in FILES.items():
        if kind in reports and kind in plain:
            plain[kind](result, folder / name)
        elif kind in reports:
            dicom[kind](result, source, folder / name)
    return result


def _printable(message: str) -> str:
    """Return ``message`` with what is no text, as in names of files in an unknown encoding, as escapes."""
    return message.encode("utf-8", "backslashreplace").decode("utf-8")


def _remove(folder: Path, kinds: Iterable[str]) -> None:
    for kind in kinds:
        with suppress(OSError):
            (folder / FILES[kind]).unlink(missing_ok=True)
