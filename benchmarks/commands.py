"""``python -m benchmarks``: measure what the documentation claims."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.commands_learning import add_learning_parsers
from benchmarks.commands_sweep import add_sweep_parsers
from benchmarks.data_folder import data_folder
from benchmarks.pages import add_pages_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``python -m benchmarks`` with ``argv``, by default the arguments of the process; return its exit code."""
    arguments = build_parser().parse_args(argv)
    return int(arguments.run(arguments))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all benchmarks; each adds a parser to ``benchmarks`` and sets ``run``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
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
    reading = benchmarks.add_parser("io", help="what reading DICOM costs, and what thumbnails save (extra dicom)")
    reading.add_argument("--slices", type=int, default=300, help="of the series (default: %(default)s)")
    reading.set_defaults(run=benchmark_io)
    small = benchmarks.add_parser(
        "thumbnails", help="do cheap thumbnails choose what those of decoded volumes choose? (extra dicom)"
    )
    small.add_argument("--bundle", default="bundle", metavar="DIR", help="default: %(default)s")
    small.add_argument("--data", help="folder of the data (default: $MONAI_DAS_DATA)")
    small.add_argument("--split", default="val", choices=("train", "val", "test"), help="default: %(default)s")
    small.add_argument("--cases", type=int, help="only the first so many of each set (default: all)")
    small.set_defaults(run=benchmark_thumbnails, parser=small)
    interval = benchmarks.add_parser("interval", help="the AUC of an evaluation, with its 95 %% bootstrap interval")
    interval.add_argument(
        "predictions", type=Path, nargs="+", metavar="predictions.csv", help="what evaluate.json wrote, of each fold"
    )
    interval.add_argument(
        "--group",
        metavar="REGEX",
        help="the patient in a case's name, in brackets, as '^(patient_[0-9]+)_': whole patients are drawn",
    )
    interval.set_defaults(run=benchmark_interval, parser=interval)
    add_learning_parsers(benchmarks)
    add_sweep_parsers(benchmarks)
    add_pages_parser(benchmarks)
    return parser


def benchmark_needle(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks needle``."""
    from benchmarks import run_needle

    print(run_needle(arguments.seeds, arguments.jobs, short=arguments.short))
    return 0


def benchmark_cost(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks cost``."""
    from benchmarks import run_cost

    report, kept = run_cost()
    print(report)
    return 0 if kept else 1


def benchmark_collapse(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks collapse``."""
    from benchmarks import run_collapse

    report, held = run_collapse(data_folder(arguments), arguments.epochs)
    print(report)
    return 0 if held else 1


def benchmark_io(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks io``."""
    from benchmarks import run_io

    print(run_io(depth=arguments.slices))
    return 0


def benchmark_thumbnails(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks thumbnails``; data or a bundle that is not there exits with 2."""
    from benchmarks import run_thumbnails

    root = data_folder(arguments) or ""
    if not root:
        arguments.parser.error("no data; give --data or set MONAI_DAS_DATA")
    try:
        print(run_thumbnails(root, arguments.bundle, arguments.split, arguments.cases))
    except (OSError, ValueError) as error:
        arguments.parser.error(str(error))
    return 0


def benchmark_interval(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks interval``; an unreadable file exits with 2."""
    from benchmarks import run_interval

    try:
        print(run_interval(arguments.predictions, group=arguments.group))
    except (OSError, ValueError) as error:
        arguments.parser.error(str(error))
    return 0
