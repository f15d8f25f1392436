"""``monai-das benchmark``: measure what the documentation claims."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das.cli.benchmark_learning import add_learning_parsers
from monai_das.cli.data_folder import data_folder
from monai_das.cli.sweep import add_sweep_parsers

if TYPE_CHECKING:
    from monai_das.cli.types import Commands


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

    report, held = run_collapse(data_folder(arguments), arguments.epochs)
    print(report)
    return 0 if held else 1


def benchmark_io(arguments: argparse.Namespace) -> int:
    """Run ``monai-das benchmark io``."""
    from monai_das.benchmark import run_io

    print(run_io(depth=arguments.slices))
    return 0


def benchmark_thumbnails(arguments: argparse.Namespace) -> int:
    """Run ``monai-das benchmark thumbnails``; data or a bundle that is not there exits with 2."""
    from monai_das.benchmark import run_thumbnails

    root = data_folder(arguments) or ""
    if not root:
        arguments.parser.error("no data; give --data or set MONAI_DAS_DATA")
    try:
        print(run_thumbnails(root, arguments.bundle, arguments.split, arguments.cases))
    except (OSError, ValueError) as error:
        arguments.parser.error(str(error))
    return 0


def benchmark_interval(arguments: argparse.Namespace) -> int:
    """Run ``monai-das benchmark interval``; an unreadable file exits with 2."""
    from monai_das.benchmark import run_interval

    try:
        print(run_interval(arguments.predictions, group=arguments.group))
    except (OSError, ValueError) as error:
        arguments.parser.error(str(error))
    return 0
