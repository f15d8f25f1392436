"""Write all reports of many cases, one folder for each; a failed case does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Union

from monai_das.contract import InputRefusedError
from monai_das.data import CaseKey, Finding, KeptSource, PassedOver, SliceSource, Study, open_source
from monai_das.inference import CaseResult, Predictor
from monai_das.reports.case_map import CaseMap
from monai_das.reports.case_reports import write_reports
from monai_das.reports.json_report import write_object
from monai_das.reports.predecessors import Predecessor
from monai_das.reports.privacy import error_message
from monai_das.reports.results_folder import FILES, CannotWriteError, newest, read_result, remove_reports, writing

ERRORS = "errors.json"


@dataclass(frozen=True)
class CaseError:
    """Which case failed, and why; ``refused`` if the model was not made for it."""

    case: str
    error: str
    refused: bool = False


@dataclass(frozen=True)
class SameCase:
    """A study that was done before in the same run: it was given twice, for instance as a folder and as a file."""

    case: str


@dataclass(frozen=True)
class DoneBefore:
    """A case that an earlier run has done, by the same weights and settings."""

    case: str


@dataclass(frozen=True)
class ReportSettings:
    """What :func:`report_cases` writes, and under which names.

    Attributes:
        case_key: makes the ids of cases and patients; results that are to be joined have the same key.
        reports: ``"json"`` (``result.json``), ``"png"`` (``montage.png``), ``"html"`` (``case.html``), ``"slices"``
            (``slices.zip``), and for DICOM cases ``"kos"`` (``key_objects.dcm``), ``"sr"`` (``report.dcm``),
            ``"sc"`` (``montage.dcm``) and ``"fhir"`` (``imaging_selection.json``).
        include_phi: whether reports may hold the names of cases, and errors and warnings paths, addresses and texts of
            headers.
        session: a ``requests.Session`` for addresses, see :func:`~monai_das.data.dicomweb_session`.
        case_map: is told the path or address of every case, of those that fail too.
        done_by: leave out a case whose ``result.json`` has this fingerprint, has all ``reports`` beside it, and is
            newer than the study's files; None does every case.
        choose: which of several images in one case, see :func:`~monai_das.data.read_volume`.
        passed_over: what finding made no case of; ``errors.json`` lists it, with paths where ``include_phi`` allows.
        predecessors: earlier reports, from :func:`~monai_das.reports.find_reports`, which those of another model name.

    Raises:
        ValueError: there is no such report.
    """

    case_key: CaseKey
    reports: Sequence[str] = ("json", "png")
    include_phi: bool = False
    session: Any = None
    case_map: CaseMap | None = None
    done_by: str | None = None
    choose: Mapping[str, object] | None = None
    passed_over: Sequence[PassedOver] = ()
    predecessors: Sequence[Predecessor] = ()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.reports) - set(FILES))
        if unknown:
            raise ValueError(f"reports must be of {', '.join(sorted(FILES))}, got {', '.join(unknown)}")


# of a case
Outcome = Union[CaseResult, CaseError, SameCase, DoneBefore]


def report_cases(
    predictor: Predictor, cases: Iterable[tuple[str, Study]], folder: Path, settings: ReportSettings
) -> Iterator[Outcome]:
    """Predict every case, write its reports into ``folder/<id>`` and yield each when it is done.

    The id of a case comes from its study alone: see :meth:`~monai_das.data.CaseKey.case_id`. So two runs never write
    the results of one study under the name of another, whatever the order and the names of the files.

    ``folder/errors.json`` names the cases that failed so far, reports that could not be written, and what was passed
    over; if there is none of them, there is no such file. A failed case leaves no reports, not even older ones. A case
    that succeeds leaves no reports of an older run.

    Args:
        predictor: the model.
        cases: a name, and the path or address of each case, from :func:`~monai_das.data.find_studies`.
        folder: made if missing.
        settings: what to write.

    Raises:
        CannotWriteError: the disk is full or read-only. The cases that were yielded are complete.
    """
    run = CaseRun(predictor, folder, settings)
    with writing(folder):
        run.write_errors()
    for name, study in cases:
        outcome = run.outcome(name, study)
        with writing(folder):
            run.write_errors()
        if settings.case_map is not None:
            case_id = outcome.case_id if isinstance(outcome, CaseResult) else outcome.case
            settings.case_map.add(case_id, study, settings.choose)
        yield outcome


class CaseRun:
    """A run over cases: the patient of each case that is done, and the errors by case; see :func:`report_cases`."""

    def __init__(self, predictor: Predictor, folder: Path, settings: ReportSettings) -> None:
        self.predictor, self.folder, self.settings = predictor, folder, settings
        self.done: dict[str, str] = {}
        self.errors: dict[str, CaseError] = {}

    def outcome(self, name: str, study: Study) -> Outcome:
        """Return the result of a case, whose reports are written then, or why there is none."""
        key, case_id = self.settings.case_key, None
        outcome: Outcome
        try:
            start = time.perf_counter()
            source = open_source(study, self.settings.choose, self.settings.session)
            milliseconds = 1000.0 * (time.perf_counter() - start)
            case_id, group = key.names(source)
            if self._is_done(case_id, group):
                outcome = SameCase(case_id)
            elif self._done_before(case_id, group, source):
                outcome = DoneBefore(case_id)
                self.done[case_id] = group
            else:
                source = KeptSource(source, previews="html" in self.settings.reports)
                result = self.predictor.predict(source, case_id, opening_ms=milliseconds)
                outcome = self._written(replace(result, group=group), source, name)
                self.done[case_id] = group
        except CannotWriteError:
            raise
        except Exception as error:
            outcome = self._failed(error, study, case_id)
        return outcome

    def _is_done(self, case_id: str, group: str) -> bool:
        if self.done.get(case_id, group) != group:
            raise ValueError(
                Finding(
                    f"its UIDs are those of {case_id}, which is of another patient and is done; one of the two was "
                    "copied or anonymised wrongly: give it UIDs of its own"
                )
            )
        return case_id in self.done

    def _done_before(self, case_id: str, group: str, source: SliceSource) -> bool:
        """Say whether the reports in the folder are what this run would write."""
        settings, folder = self.settings, self.folder / case_id
        if settings.done_by is None:
            return False
        found = read_result(folder)
        return (
            found.get("fingerprint") == settings.done_by
            and found.get("group") == group
            and ("name" in found) == settings.include_phi
            and all((folder / FILES[kind]).is_file() for kind in settings.reports)
            and newest(source) <= (folder / FILES["json"]).stat().st_mtime
        )

    def _written(self, result: CaseResult, source: SliceSource, name: str) -> CaseResult:
        """Write the reports of ``result`` and return it with what may be shown; keep which of them failed."""
        settings, folder = self.settings, self.folder / result.case_id
        if settings.include_phi:
            result = replace(result, name=name)
        if not settings.reports:
            return result
        if folder.exists() and not folder.is_dir():
            raise ValueError(Finding("a file lies in the folder of results where its reports belong; remove it"))
        known = settings.predecessors
        shown = write_reports(
            result, source, folder, settings.reports, include_phi=settings.include_phi, predecessors=known
        )
        self.errors.pop(result.case_id, None)
        if shown.report_errors:
            words = "; ".join(f"report {kind}: {message}" for kind, message in shown.report_errors.items())
            self.errors[result.case_id] = CaseError(result.case_id, _printable(words))
        return shown

    def _failed(self, error: Exception, study: Study, case_id: str | None) -> CaseError:
        key = self.settings.case_key
        case_id = case_id or key.unopened_id(study)
        if case_id in self.done or case_id in self.errors:
            # a damaged copy, or another study with the same UIDs or bytes: what is known of the other stays
            case_id = key.place_id(study)
        message = error_message(error, case_id, include_phi=self.settings.include_phi)
        self.errors[case_id] = CaseError(case_id, _printable(message), isinstance(error, InputRefusedError))
        remove_reports(self.folder / case_id)
        return self.errors[case_id]

    def write_errors(self) -> None:
        """Write ``errors.json``; see :func:`write_errors`."""
        write_errors(self.errors.values(), self.settings.passed_over, self.folder, self.settings.include_phi)


def write_errors(
    errors: Iterable[CaseError], passed_over: Sequence[PassedOver], folder: Path, include_phi: bool = False
) -> None:
    """Write ``folder/errors.json``; where nothing failed or was passed over, remove the file of an older run."""
    kinds = [asdict(each) for each in passed_over]
    for kind in kinds:
        paths = kind.pop("paths")
        if include_phi:
            kind["paths"] = [_printable(path) for path in paths]
    found = {
        "errors": [{"case": each.case, "error": each.error} for each in errors],
        **({"passed_over": kinds} if kinds else {}),
    }
    if found["errors"] or kinds:
        write_object(found, folder / ERRORS)
    else:
        (folder / ERRORS).unlink(missing_ok=True)


def _printable(message: str) -> str:
    """Return ``message`` with what is no text, as in names of files in an unknown encoding, as escapes."""
    return message.encode("utf-8", "backslashreplace").decode("utf-8")
