"""All reports of many cases, one folder for each; a bad case does not stop the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from monai_das.inference import CaseResult, Predictor
from monai_das.reports.json_report import write_json, write_object
from monai_das.reports.montage import write_montage

ERRORS = "errors.json"


@dataclass(frozen=True)
class CaseError:
    """Which case failed, where it lies, and why."""

    case: str
    path: str
    error: str


def report_cases(
    predictor: Predictor, cases: Iterable[tuple[str, Path]], folder: Path
) -> Iterator[CaseResult | CaseError]:
    """Predict every case and write ``folder/<case>/result.json`` and ``montage.png``; yield each when it is done.

    ``folder/errors.json`` names the cases that failed so far; it is not there where none did. A case that fails leaves
    no reports behind, older ones included.

    Args:
        predictor: the model.
        cases: id, which becomes the folder's name, and path of each.
        folder: made where it is missing.
    """
    (folder / ERRORS).unlink(missing_ok=True)
    errors = []
    for case_id, path in cases:
        outcome = _report_case(predictor, case_id, path, folder / case_id)
        if isinstance(outcome, CaseError):
            errors.append(asdict(outcome))
            write_object({"errors": errors}, folder / ERRORS)
        yield outcome


def _report_case(predictor: Predictor, case_id: str, path: Path, folder: Path) -> CaseResult | CaseError:
    """Return the result once its reports are written, or the error, whatever it was: the next case goes on."""
    try:
        result = predictor.predict(path, case_id)
        write_montage(result, folder / "montage.png")
        write_json(result, folder / "result.json")
    except Exception as error:
        for name in ("result.json", "montage.png"):
            with suppress(OSError):
                (folder / name).unlink(missing_ok=True)
        return CaseError(case_id, str(path), f"{type(error).__name__}: {error}")
    return result
