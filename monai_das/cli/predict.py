"""``monai-das predict``: classify studies and write reports."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das.cli.bundle_option import add_bundle_to_predict, bundle_of
from monai_das.cli.case_key_option import add_case_key, case_key_of
from monai_das.cli.choose_option import add_choose, chosen_of
from monai_das.cli.credentials import add_credentials, logged_in
from monai_das.cli.memory_option import add_max_memory, max_memory_of
from monai_das.cli.runtime_option import add_runtime, kept_graphs

if TYPE_CHECKING:
    from monai_das.cli.types import Commands
    from monai_das.data import PassedOver
    from monai_das.inference import Predictor
    from monai_das.reports import Outcome

INPUTS = (
    "NIfTI file, video, DICOM file or folder, folder of cases; or of a DICOMweb server (extra dicom) all acquired "
    "series of a study, or one: https://HOST/dicom-web/studies/UID[/series/UID]"
)
REDO = (
    "do again what OUT holds by the same weights and settings, and remove what it holds by others; without it the "
    "former is left as it is, and the latter refused"
)
PHI = (
    "also show the names of files or the UIDs of cases, and let messages show paths, addresses and texts of headers. "
    "DICOM reports always carry the patient and study of their source, fhir its PatientID and UIDs"
)
PREDECESSOR = (
    "an OUT or report.dcm of another model, whose reports (sr) of the same series become the predecessors of the new "
    "ones; may be given again. With --redo, those that OUT holds are too"
)
REPORTS = ("json", "png", "html", "slices", "kos", "sr", "sc", "fhir")


def add_predict_parser(commands: Commands) -> None:
    """Add ``monai-das predict``."""
    parser = commands.add_parser(
        "predict",
        help="classify studies with a trained bundle, and show the slices it selected",
        description="Write OUT/<case>/result.json and montage.png, or what --report names, for every case. <case> is "
        "an opaque id that belongs to the study: the same in every run, whatever its path, name and order. Exit code: "
        "0 all went well, 1 cases or reports failed (OUT/errors.json names them; an INPUT without a case is one), 2 "
        "nothing could be done with these arguments.",
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help=INPUTS)
    add_bundle_to_predict(parser)
    parser.add_argument("-o", "--out", required=True, metavar="OUT", type=Path, help="folder for the reports")
    parser.add_argument(
        "--report",
        type=report_kinds,
        default=("json", "png"),
        metavar="KINDS",
        help="of json, png, html, slices (PNGs of all slices, for review); for DICOM kos (key objects), sr (structured "
        "report), sc (secondary capture) and fhir (ImagingSelection, R5), with commas between (default: json,png)",
    )
    parser.add_argument("--include-phi", action="store_true", help=PHI)
    parser.add_argument(
        "--map",
        type=Path,
        metavar="FILE",
        help="write which case is which path or address to FILE, as JSON, beside the cases that it holds from earlier "
        "runs; without --include-phi it is the only file that holds identities, DICOM reports apart",
    )
    parser.add_argument("--predecessor", action="append", default=[], type=Path, metavar="PLACE", help=PREDECESSOR)
    add_case_key(parser)
    add_choose(parser)
    parser.add_argument("--num-slices", type=int, metavar="K", help="slices to keep (default: the bundle's own)")
    parser.add_argument("--redo", action="store_true", help=REDO)
    add_max_memory(parser)
    add_runtime(parser)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    add_credentials(parser)
    parser.set_defaults(run=predict, parser=parser)


def report_kinds(words: str) -> tuple[str, ...]:
    """Return the kinds of reports in ``words``, such as ``json,html``; an unknown kind is a usage error."""
    kinds = tuple(word.strip() for word in words.split(","))
    unknown = sorted(set(kinds) - set(REPORTS))
    if unknown:
        raise argparse.ArgumentTypeError(f"invalid choice: {', '.join(unknown)} (of {', '.join(REPORTS)})")
    return kinds


def predict(arguments: argparse.Namespace) -> int:
    """Run ``monai-das predict``; return 0 if all cases worked and 1 if some failed. A usage error exits with 2."""
    from monai_das.data import memory_limit

    try:
        most = max_memory_of(arguments)
    except ValueError as error:
        arguments.parser.error(str(error))
    with memory_limit(most):
        return _predict(arguments)


def _predict(arguments: argparse.Namespace) -> int:
    from monai_das import data, reports

    data.silence_libraries(include_phi=arguments.include_phi)
    with ExitStack() as stack:
        try:
            arguments.inputs, session = logged_in(arguments.inputs, arguments.credentials)
            key = case_key_of(arguments)
            survey = data.survey_studies(arguments.inputs, session, arguments.series)
            predictor = _predictor(arguments)
            stack.enter_context(reports.out_folder(arguments.out))
            earlier = reports.find_reports([*arguments.predecessor, *([arguments.out] if arguments.redo else [])])
            reports.refuse_others(arguments.out, predictor.fingerprint, redo=arguments.redo)
            case_map = reports.CaseMap(arguments.map) if arguments.map else None
            done_by = None if arguments.redo else predictor.fingerprint
            shown = (key, arguments.report, arguments.include_phi, session, case_map)
            settings = reports.ReportSettings(*shown, done_by, chosen_of(arguments), survey.passed_over, earlier)
        except (ImportError, OSError, ValueError) as error:
            arguments.parser.refuse(error)
        try:
            with case_map or nullcontext():
                outcomes = reports.report_cases(predictor, survey.cases, arguments.out, settings)
                written, failed, incomplete = _said(outcomes, len(survey.cases))
        except reports.CannotWriteError as error:
            said = arguments.parser.plain(str(error))
            print(f"monai-das predict: error: {said}; make room or give another folder, and run again", file=sys.stderr)
            return 1
    print(f"{len(written)} of {len(written | failed)} cases written")
    if survey.passed_over:
        _say_passed_over(survey.passed_over)
    if failed and not arguments.map and not arguments.include_phi:
        print("--map FILE writes which case is which path", file=sys.stderr)
    return 1 if failed or incomplete else 0


def _predictor(arguments: argparse.Namespace) -> Predictor:
    from monai_das.inference import Predictor

    return Predictor(
        bundle_of(arguments),
        arguments.device,
        arguments.num_slices,
        accept_any_input=arguments.accept_any_input,
        runtime=arguments.runtime,
        graphs=kept_graphs(),
    )


def _said(outcomes: Iterable[Outcome], total: int) -> tuple[set[str], set[str], set[str]]:
    """Print every outcome; return the cases that were written, those that failed, and those that lack a report."""
    from tqdm import tqdm

    from monai_das.data import plain_text
    from monai_das.reports import CaseError, DoneBefore, SameCase

    written: set[str] = set()
    failed: set[str] = set()
    incomplete: set[str] = set()
    for outcome in tqdm(outcomes, total=total, unit="case"):
        if isinstance(outcome, SameCase):
            tqdm.write(f"{outcome.case}: given twice, done once", file=sys.stderr)
        elif isinstance(outcome, DoneBefore):
            written.add(outcome.case)
            tqdm.write(f"{outcome.case}: done by an earlier run; --redo does it again", file=sys.stderr)
        elif isinstance(outcome, CaseError):
            failed.add(outcome.case)
            tqdm.write(f"{outcome.case}: {outcome.error}", file=sys.stderr)
        else:
            written.add(outcome.case_id)
            rule = f"; {outcome.rule}" if outcome.rule else ""
            tqdm.write(f"{outcome.title}: {outcome.label_name} ({outcome.probabilities[outcome.label_name]:.1%}){rule}")
            for notice in outcome.notices:
                tqdm.write(f"{outcome.case_id}: {notice}", file=sys.stderr)
            for warning in outcome.warnings:
                tqdm.write(f"{outcome.case_id}: warning: {plain_text(warning)}", file=sys.stderr)
            for kind, message in outcome.report_errors.items():
                incomplete.add(outcome.case_id)
                tqdm.write(f"{outcome.case_id}: report {kind}: {message}", file=sys.stderr)
    return written, failed - written, incomplete


def _say_passed_over(passed_over: Sequence[PassedOver]) -> None:
    """Print what no case was made of, in one line."""
    counts: Counter[str] = Counter()
    for each in passed_over:
        counts[each.format] += each.count
    listed = ", ".join(f"{count} x {name}" for name, count in counts.most_common())
    print(f"passed over: {listed} (see errors.json)", file=sys.stderr)
