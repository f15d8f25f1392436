"""All reports of many cases, one folder for each; a bad case does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from monai_das.inference import CaseResult, Predictor
from monai_das.reports.html import write_html
from monai_das.reports.json_report import write_json, write_object
from monai_das.reports.montage import write_montage

ERRORS = "errors.json"
# in the order of writing: where result.json is, the others are too
FILES = {"png": "montage.png", "html": "case.html", "json": "result.json"}


@dataclass(frozen=True)
class CaseError:
    """Which case failed, where it lies, and why."""

    case: str
    path: str
    error: str


def report_cases(
    predictor: Predictor, cases: Iterable[tuple[str, Path]], folder: Path, reports: Sequence[str] = ("json", "png")
) -> Iterator[CaseResult | CaseError]:
    """Predict every case, write its reports into ``folder/<case>`` and yield each when it is done.

    ``folder/errors.json`` names the cases that failed so far; it is not there where none did. A case that fails leaves
    no reports behind, older ones included; one that goes well, none of an older run.

    Args:
        predictor: the model.
        cases: id, which becomes the folder's name, and path of each.
        folder: made where it is missing.
        reports: ``"json"`` (``result.json``), ``"png"`` (``montage.png``), ``"html"`` (``case.html``).

    Raises:
        ValueError: there is no such report.
    """
    unknown = sorted(set(reports) - set(FILES))
    if unknown:
        raise ValueError(f"reports must be of {', '.join(sorted(FILES))}, got {', '.join(unknown)}")
    (folder / ERRORS).unlink(missing_ok=True)
    errors = []
    for case_id, path in cases:
        outcome = _report_case(predictor, case_id, path, folder / case_id, reports)
        if isinstance(outcome, CaseError):
            errors.append(asdict(outcome))
            write_object({"errors": errors}, folder / ERRORS)
        yield outcome


def _report_case(
    predictor: Predictor, case_id: str, path: Path, folder: Path, reports: Sequence[str]
) -> CaseResult | CaseError:
    """Return the result once its reports are written, or the error, whatever it was: the next case goes on."""
    writers: dict[str, Callable[[CaseResult, Path], None]]
    writers = {"png": write_montage, "html": write_html, "json": write_json}
    try:
        result = predictor.predict(path, case_id)
        for kind, name in FILES.items():
            if kind in reports:
                writers[kind](result, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
    except Exception as error:
        for name in FILES.values():
            with suppress(OSError):
                (folder / name).unlink(missing_ok=True)
        return CaseError(case_id, str(path), f"{type(error).__name__}: {error}")
    return result
