"""``python -m benchmarks readers | review``: what is learnt from readers, simulated and real."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.data_folder import data_folder

if TYPE_CHECKING:
    from monai_das.cli.types import Commands


def add_learning_parsers(benchmarks: Commands) -> None:
    """Add the benchmarks about learning from readers."""
    review = benchmarks.add_parser("review", help="what fine-tuning on readers' answers changed, on held-out cases")
    review.add_argument("datalist", type=Path, help="what monai-das review pull wrote")
    review.add_argument("--bundle", default="bundle", metavar="DIR", help="default: %(default)s")
    review.add_argument("--weights", required=True, type=Path, metavar="model.pt", help="what configs/review.json made")
    review.add_argument("--holdout-every", type=int, default=5, metavar="N", help="default: %(default)s")
    review.set_defaults(run=benchmark_review, parser=review)
    readers = benchmarks.add_parser("readers", help="does a model learn from simulated readers? exit code 1: no")
    readers.add_argument("--tasks", nargs="+", choices=("needle", "planted", "needle_longer", "covid_blues"),
                         default=("needle", "planted"), help="default: needle planted")  # fmt: skip
    readers.add_argument("--first-seed", type=int, default=200, metavar="N", help="recipes were chosen on seeds below "
                         "200 (default: %(default)s)")  # fmt: skip
    readers.add_argument("--data", help="folder of the real backgrounds and clips (default: $MONAI_DAS_DATA)")
    readers.add_argument("--seeds", type=int, default=4, help="default: %(default)s")
    readers.add_argument(
        "--results", type=Path, metavar="FILE", help="finished trainings, a line each: a run cut off goes on there"
    )
    readers.set_defaults(run=benchmark_readers, parser=readers)


def benchmark_review(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks review``; what cannot be read exits with 2."""
    from benchmarks import run_review_change

    try:
        report = run_review_change(arguments.datalist, arguments.bundle, arguments.weights, arguments.holdout_every)
    except (OSError, ValueError) as error:
        arguments.parser.error(str(error))
    print(report)
    return 0


def benchmark_readers(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks readers``; exit code 1 where the readers did not help, or the AUC fell."""
    from benchmarks import run_readers

    folder, seeds = data_folder(arguments), arguments.seeds
    try:
        report, success = run_readers(
            folder, arguments.tasks, seeds, arguments.results, first_seed=arguments.first_seed
        )
    except FileNotFoundError as error:
        arguments.parser.error(str(error))
    print(report)
    return 0 if success else 1
