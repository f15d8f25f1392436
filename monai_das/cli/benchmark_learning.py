"""``monai-das benchmark planted | hard-reference | readers | review``: evidence known slice by slice, and readers."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_das.cli.types import Commands


def add_learning_parsers(benchmarks: Commands) -> None:
    """Add the benchmarks about evidence that is known slice by slice, and about learning from readers."""
    review = benchmarks.add_parser("review", help="what fine-tuning on readers' answers changed, on held-out cases")
    review.add_argument("datalist", type=Path, help="what monai-das review pull wrote")
    review.add_argument("--bundle", default="bundle", metavar="DIR", help="default: %(default)s")
    review.add_argument("--weights", required=True, type=Path, metavar="model.pt", help="what configs/review.json made")
    review.add_argument("--holdout-every", type=int, default=5, metavar="N", help="default: %(default)s")
    review.set_defaults(run=benchmark_review, parser=review)
    planted = benchmarks.add_parser("planted", help="who finds faint lesions in known slices of real MR, CT and echo?")
    planted.add_argument("--methods", help="names of samplers, with commas between (default: the usual ones)")
    planted.add_argument("--num-slices", type=int, default=4, metavar="K", help="of 24 (default: %(default)s)")
    planted.set_defaults(run=benchmark_planted, parser=planted)
    reference = benchmarks.add_parser("hard-reference", help="full attention on the hard needle")
    reference.set_defaults(run=benchmark_hard_reference)
    readers = benchmarks.add_parser("readers", help="does a model learn from simulated readers? exit code 1: no")
    readers.add_argument("--tasks", nargs="+", choices=("needle", "planted", "needle_longer", "covid_blues"),
                         default=("needle", "planted"), help="default: needle planted")  # fmt: skip
    readers.add_argument("--first-seed", type=int, default=200, metavar="N", help="recipes were chosen on seeds below "
                         "200 (default: %(default)s)")  # fmt: skip
    readers.set_defaults(run=benchmark_readers, parser=readers)
    for each in (planted, readers):
        each.add_argument("--data", help="folder of the real backgrounds and clips (default: $MONAI_DAS_DATA)")
    for each, seeds in ((planted, 3), (reference, 2), (readers, 4)):
        each.add_argument("--seeds", type=int, default=seeds, help="default: %(default)s")
        each.add_argument(
            "--results", type=Path, metavar="FILE", help="finished trainings, a line each: a run cut off goes on there"
        )


def benchmark_review(arguments: argparse.Namespace) -> int:
    """Run ``monai-das benchmark review``; what cannot be read exits with 2."""
    from monai_das.benchmark import run_review_change

    try:
        report = run_review_change(arguments.datalist, arguments.bundle, arguments.weights, arguments.holdout_every)
    except (OSError, ValueError) as error:
        arguments.parser.error(str(error))
    print(report)
    return 0


def benchmark_planted(arguments: argparse.Namespace) -> int:
    """Run ``monai-das benchmark planted``; an unknown sampler exits with 2."""
    from monai_das.benchmark import run_planted

    methods = {"methods": arguments.methods.split(",")} if arguments.methods else {}
    try:
        report = run_planted(
            data_folder(arguments),
            num_slices=arguments.num_slices,
            seeds=arguments.seeds,
            results=arguments.results,
            **methods,
        )
    except ValueError as error:
        arguments.parser.error(str(error))
    print(report)
    return 0


def benchmark_hard_reference(arguments: argparse.Namespace) -> int:
    """Run ``monai-das benchmark hard-reference``."""
    from monai_das.benchmark import run_hard_reference

    print(run_hard_reference(arguments.seeds, arguments.results))
    return 0


def benchmark_readers(arguments: argparse.Namespace) -> int:
    """Run ``monai-das benchmark readers``; exit code 1 where the readers did not help, or the AUC fell."""
    from monai_das.benchmark import run_readers

    folder, seeds = data_folder(arguments), arguments.seeds
    try:
        report, success = run_readers(
            folder, arguments.tasks, seeds, arguments.results, first_seed=arguments.first_seed
        )
    except FileNotFoundError as error:
        arguments.parser.error(str(error))
    print(report)
    return 0 if success else 1


def data_folder(arguments: argparse.Namespace) -> str | None:
    """Return the folder of the data: the argument, or the setting."""
    folder: str | None = arguments.data or os.environ.get("MONAI_DAS_DATA")
    return folder
