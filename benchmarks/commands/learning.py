"""``python -m benchmarks readers | active | review``: what a model learns from readers, simulated and real."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.commands.arguments import at_least, data_folder, or_exit

if TYPE_CHECKING:
    from monai_das.cli.types import Commands


def add_learning_parsers(verbs: Commands) -> None:
    """Add the studies of learning from readers to the parsers of ``python -m benchmarks``."""
    review = verbs.add_parser("review", help="compare a model before and after fine-tuning on readers' answers")
    review.add_argument("datalist", type=Path, help="what monai-das review pull wrote")
    review.add_argument("--bundle", default="bundle", metavar="DIR", help="default: %(default)s")
    review.add_argument("--weights", required=True, type=Path, metavar="model.pt", help="what configs/review.json made")
    review.add_argument("--holdout-every", type=at_least(2), default=5, metavar="N", help="default: %(default)s")
    review.set_defaults(run=review_command, parser=review)
    readers = verbs.add_parser("readers", help="fine-tune on simulated readers' answers; exit code 1: it did not help")
    readers.add_argument("--tasks", nargs="+", choices=("needle", "planted", "needle_longer", "covid_blues"),
                         default=("needle", "planted"), help="default: needle planted")  # fmt: skip
    readers.add_argument("--first-seed", type=int, default=200, metavar="N", help="recipes were chosen on seeds below "
                         "200 (default: %(default)s)")  # fmt: skip
    readers.add_argument("--data", help="folder of the real backgrounds and clips (default: $MONAI_DAS_DATA)")
    readers.add_argument("--seeds", type=at_least(1), default=4, help="default: %(default)s")
    readers.add_argument(
        "--results", type=Path, metavar="FILE", help="finished trainings, a line each: a run that was killed goes on"
    )
    readers.set_defaults(run=readers_command, parser=readers)
    active = verbs.add_parser("active", help="show simulated readers the most uncertain cases first, or random ones")
    active.add_argument("--tasks", nargs="+", choices=("planted", "lgg"), default=("planted", "lgg"),
                        help="default: planted lgg")  # fmt: skip
    active.add_argument("--data", help="folder of the real backgrounds and of lgg_flair (default: $MONAI_DAS_DATA)")
    active.add_argument("--seeds", type=at_least(1), default=8, help="default: %(default)s")
    active.add_argument("--results", type=Path, metavar="FILE", help="as for readers")
    active.set_defaults(run=active_command, parser=active)


def review_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks review``; what cannot be read exits with 2."""
    from benchmarks.studies.review import run_review_change

    given = (arguments.datalist, arguments.bundle, arguments.weights, arguments.holdout_every)
    print(or_exit(arguments, lambda: run_review_change(*given)))
    return 0


def readers_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks readers``; exit code 1 where the readers did not help, or the AUC fell."""
    from benchmarks.studies.readers import run_readers

    given = (data_folder(arguments), arguments.tasks, arguments.seeds, arguments.results)
    report, success = or_exit(arguments, lambda: run_readers(*given, first_seed=arguments.first_seed))
    print(report)
    return 0 if success else 1


def active_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks active``."""
    from benchmarks.studies.active import run_active

    given = (data_folder(arguments), arguments.tasks, arguments.seeds, arguments.results)
    print(or_exit(arguments, lambda: run_active(*given)))
    return 0
