"""The command ``monai-das``. Each sub-command adds its own parser and sets ``run``; the work is in the packages."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import monai_das

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

REPORTS = ("json", "png", "html")


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``monai-das`` with the arguments ``argv``, by default those of the process; return its exit code."""
    arguments = build_parser().parse_args(argv)
    return int(arguments.run(arguments))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all sub-commands."""
    parser = argparse.ArgumentParser(prog="monai-das", description=monai_das.__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {monai_das.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_predict_parser(commands)
    add_benchmark_parser(commands)
    return parser


def add_predict_parser(commands: Commands) -> None:
    """Add ``monai-das predict``."""
    parser = commands.add_parser(
        "predict",
        help="classify studies with a trained bundle, and show the slices it chose",
        description="Write OUT/<case>/result.json and montage.png, or what --report names, for every case. Exit code: "
        "0 all went well, 1 cases "
        "failed (OUT/errors.json names them), 2 nothing could be done with these arguments.",
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="NIfTI file, DICOM file or folder, folder of cases")
    parser.add_argument("--bundle", default="bundle", metavar="DIR", help="folder of the bundle (default: %(default)s)")
    parser.add_argument("-o", "--out", required=True, metavar="OUT", type=Path, help="folder for the reports")
    parser.add_argument(
        "--report",
        type=report_kinds,
        default=("json", "png"),
        metavar="KINDS",
        help="of json, png and html, with commas between (default: json,png)",
    )
    parser.add_argument("--num-slices", type=int, metavar="K", help="slices to keep (default: the bundle's own)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    parser.set_defaults(run=predict, parser=parser)


def report_kinds(words: str) -> tuple[str, ...]:
    """Return the kinds of reports in ``words``, as in ``json,html``; an unknown one is an error of usage."""
    kinds = tuple(word.strip() for word in words.split(","))
    unknown = sorted(set(kinds) - set(REPORTS))
    if unknown:
        raise argparse.ArgumentTypeError(f"invalid choice: {', '.join(unknown)} (of {', '.join(REPORTS)})")
    return kinds


def add_benchmark_parser(commands: Commands) -> None:
    """Add ``monai-das benchmark``; each benchmark adds a parser to ``benchmarks`` and sets ``run``."""
    parser = commands.add_parser("benchmark", help="measure what the documentation claims")
    benchmarks = parser.add_subparsers(required=True, metavar="BENCHMARK")
    needle = benchmarks.add_parser("needle", help="does a sampler learn to look where the variance is not?")
    needle.add_argument("--seeds", type=int, default=5, help="trainings of each row (default: %(default)s)")
    needle.add_argument("--jobs", type=int, default=2, help="processes of one thread each (default: %(default)s)")
    needle.add_argument(
        "--short", action="store_true", help="one seed, k = 4, two methods: minutes instead of half an hour"
    )
    needle.set_defaults(run=benchmark_needle)
    cost = benchmarks.add_parser(
        "cost", help="what choosing costs beside what it saves; exit code 1: a promise is broken"
    )
    cost.set_defaults(run=benchmark_cost)
    collapse = benchmarks.add_parser("collapse", help="does a sampler flee to empty slices? exit code 1: it does")
    collapse.add_argument("--epochs", type=int, default=8, help="default: %(default)s")
    collapse.add_argument("--data", help="folder of the data (default: $MONAI_DAS_DATA, else made-up masks)")
    collapse.set_defaults(run=benchmark_collapse)
    interval = benchmarks.add_parser("interval", help="the AUC of an evaluation, with its 95 %% bootstrap interval")
    interval.add_argument("predictions", type=Path, metavar="predictions.csv", help="what evaluate.json wrote")
    interval.set_defaults(run=benchmark_interval, parser=interval)


def benchmark_needle(arguments: argparse.Namespace) -> int:
    """Run ``monai-das benchmark needle``."""
    from monai_das.benchmark import run_needle

    print(run_needle(arguments.seeds, arguments.jobs, short=arguments.short))
    return 0


def benchmark_cost(arguments: argparse.Namespace) -> int:
    """Run ``monai-das benchmark cost``."""
    from monai_das.benchmark import run_cost

    report, kept = run_cost()
    print(report)
    return 0 if kept else 1


def benchmark_collapse(arguments: argparse.Namespace) -> int:
    """Run ``monai-das benchmark collapse``."""
    from monai_das.benchmark import run_collapse

    report, held = run_collapse(arguments.data or os.environ.get("MONAI_DAS_DATA"), arguments.epochs)
    print(report)
    return 0 if held else 1


def benchmark_interval(arguments: argparse.Namespace) -> int:
    """Run ``monai-das benchmark interval``; an unreadable file exits with 2."""
    from monai_das.benchmark import run_interval

    try:
        print(run_interval(arguments.predictions))
    except (OSError, ValueError) as error:
        arguments.parser.error(str(error))
    return 0


def predict(arguments: argparse.Namespace) -> int:
    """Run ``monai-das predict``: 0 when all cases went well, 1 when some failed; a usage error exits with 2."""
    # MONAI says at every LoadImage that this optional reader is not installed
    warnings.filterwarnings("ignore", message=".*NvImgCodecPydicomReader")
    logging.getLogger("monai.data.nvimgcodec_pydicom_plugin").setLevel(logging.ERROR)
    from tqdm import tqdm

    from monai_das.data import find_cases
    from monai_das.inference import Predictor
    from monai_das.reports import CaseError, report_cases

    try:
        missing = [Path(each) for each in arguments.inputs if not Path(each).exists()]
        cases = find_cases([each for each in arguments.inputs if Path(each) not in missing] or arguments.inputs)
        predictor = Predictor(arguments.bundle, arguments.device, arguments.num_slices)
        arguments.out.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        arguments.parser.error(str(error))
    cases += [(f"(missing) {path.name}", path) for path in missing]
    failed = 0
    for outcome in tqdm(report_cases(predictor, cases, arguments.out, arguments.report), total=len(cases), unit="case"):
        if isinstance(outcome, CaseError):
            failed += 1
            tqdm.write(f"{outcome.case}: {outcome.error}", file=sys.stderr)
        else:
            probability = outcome.probabilities[outcome.label_name]
            tqdm.write(f"{outcome.case_id}: {outcome.label_name} ({probability:.1%})")
    print(f"{len(cases) - failed} of {len(cases)} cases written to {arguments.out}")
    return 1 if failed else 0
