"""The verbs of the studies that need no sweep, from needle to brain_flair."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.commands.arguments import at_least, data_folder, or_exit

if TYPE_CHECKING:
    from monai_das.cli.types import Commands


def add_study_parsers(verbs: Commands) -> None:
    """Add the studies that need no sweep to the parsers of ``python -m benchmarks``."""
    needle = verbs.add_parser("needle", help="train every method where the loudest slices mean nothing")
    needle.add_argument("--seeds", type=at_least(1), default=5, help="trainings of each row (default: %(default)s)")
    needle.add_argument(
        "--jobs", type=at_least(0), default=2, help="processes of one thread each (default: %(default)s)"
    )
    needle.add_argument("--results", type=Path, metavar="FILE", help="finished trainings: a run cut off goes on there")
    needle.add_argument("--short", action="store_true", help="one seed, k = 4, two methods: minutes, not half an hour")
    needle.set_defaults(run=needle_command, parser=needle)
    _add_cost(verbs)
    _add_pictures(verbs)
    looks = verbs.add_parser("looks", help="draw what three samplers choose of a case with a planted lesion")
    looks.add_argument("--out", type=Path, default=Path("looks.png"), metavar="PNG", help="default: %(default)s")
    looks.add_argument("--epochs", type=at_least(1), default=20, help="of the training (default: %(default)s)")
    looks.set_defaults(run=looks_command, parser=looks)
    collapse = verbs.add_parser("collapse", help="train where a sampler once chose empty slices; exit code 1: it does")
    collapse.add_argument("--epochs", type=at_least(1), default=8, help="default: %(default)s")
    collapse.add_argument("--data", help="folder of the data (default: $MONAI_DAS_DATA, else made-up masks)")
    collapse.set_defaults(run=collapse_command, parser=collapse)
    reading = verbs.add_parser("io", help="time the reading of DICOM, whole and through thumbnails (extra dicom)")
    reading.add_argument("--slices", type=at_least(1), default=300, help="of the series (default: %(default)s)")
    reading.set_defaults(run=io_command, parser=reading)
    scale = verbs.add_parser("scale", help="project the cost of a public archive from what a case costs here")
    scale.add_argument("--price", type=float, default=0.05, help="of a core for an hour (default: %(default)s)")
    scale.set_defaults(run=scale_command, parser=scale)
    small = verbs.add_parser("thumbnails", help="compare the choice on cheap and on exact thumbnails (extra dicom)")
    small.add_argument("--bundle", default="bundle", metavar="DIR", help="default: %(default)s")
    small.add_argument("--data", help="folder of the data (default: $MONAI_DAS_DATA)")
    small.add_argument("--split", default="val", choices=("train", "val", "test"), help="default: %(default)s")
    small.add_argument("--cases", type=at_least(1), help="only the first so many of each set (default: all)")
    small.set_defaults(run=thumbnails_command, parser=small)
    check = verbs.add_parser("input_check", help="count what the adrenal model refuses or calls unlike its training")
    check.add_argument("studies", nargs="*", type=Path, metavar="STUDY", help="other inputs, which should be refused")
    check.add_argument("--bundle", default="bundle", metavar="DIR", help="default: %(default)s")
    check.add_argument("--data", help="folder of the data (default: $MONAI_DAS_DATA)")
    check.add_argument("--cases", type=at_least(1), help="only the first so many of the split (default: all)")
    check.add_argument("--split", default="test", choices=("val", "test"), help="features are chosen on val (default: "
                       "%(default)s)")  # fmt: skip
    check.set_defaults(run=input_check_command, parser=check)
    _add_brain_flair(verbs)


def _add_brain_flair(verbs: Commands) -> None:
    brains = verbs.add_parser("brain_flair", help="measure zoo/brain_flair on patients that it has not seen")
    brains.add_argument("weights", nargs="+", type=Path, metavar="WEIGHTS", help="model.pt of each fold, in their "
                        "order; or one, which has seen none of the data")  # fmt: skip
    brains.add_argument("--bundle", default="zoo/brain_flair", metavar="DIR", help="default: %(default)s")
    brains.add_argument("--data", help="folder of the data (default: $MONAI_DAS_DATA)")
    brains.set_defaults(run=brain_flair_command, parser=brains)


def _add_cost(verbs: Commands) -> None:
    cost = verbs.add_parser(
        "cost", help="time selections against what else one would run; exit code 1: a promise broke"
    )
    sizes = ("28", "64", "96", "224x224x64", "clip", "ct")
    cost.add_argument("--size", nargs="+", choices=sizes, default=sizes, help="default: all")
    cost.add_argument("--rounds", type=at_least(1), default=7, help="default: %(default)s")
    cost.add_argument("--page", type=Path, metavar="FILE", help="also write the tables there, as docs/results/cost.md")
    cost.set_defaults(run=cost_command, parser=cost)


def _add_pictures(verbs: Commands) -> None:
    pictures = verbs.add_parser("pictures", help="time montage and page; exit code 1: the montage costs too much")
    pictures.add_argument("--bundle", default="bundle", metavar="DIR", help="default: %(default)s")
    pictures.add_argument("--slices", type=at_least(1), default=300, help="of the series (default: %(default)s)")
    pictures.set_defaults(run=pictures_command, parser=pictures)


def needle_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks needle``."""
    from benchmarks.studies.needle import run_needle

    def report() -> str:
        return run_needle(
            arguments.seeds, arguments.jobs, arguments.results, partial(print, flush=True), short=arguments.short
        )

    print(or_exit(arguments, report))
    return 0


def cost_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks cost``."""
    from benchmarks.studies.cost import run_cost
    from benchmarks.studies.cost_page import write_page

    report, kept = run_cost(arguments.size, arguments.rounds)
    print(report)
    if arguments.page is not None:
        write_page(report, arguments.size, arguments.page)
    return 0 if kept else 1


def pictures_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks pictures``."""
    from benchmarks.studies.pictures import run_pictures

    report, kept = or_exit(arguments, lambda: run_pictures(arguments.bundle, arguments.slices))
    print(report)
    return 0 if kept else 1


def looks_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks looks``."""
    from benchmarks.studies.looks import run_looks

    print(run_looks(arguments.out, arguments.epochs))
    return 0


def collapse_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks collapse``; data that is not there exits with 2."""
    from benchmarks.studies.collapse import run_collapse

    report, held = or_exit(arguments, lambda: run_collapse(data_folder(arguments), arguments.epochs))
    print(report)
    return 0 if held else 1


def io_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks io``; without the extra ``dicom`` it exits with 2."""
    from benchmarks.studies.io import run_io

    print(or_exit(arguments, lambda: run_io(depth=arguments.slices)))
    return 0


def scale_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks scale``."""
    from benchmarks.studies.scale import run_scale

    print(run_scale(price=arguments.price))
    return 0


def thumbnails_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks thumbnails``; data or a bundle that is not there exits with 2."""
    from benchmarks.studies.thumbnails import run_thumbnails

    root = _needed_data(arguments)
    print(or_exit(arguments, lambda: run_thumbnails(root, arguments.bundle, arguments.split, arguments.cases)))
    return 0


def input_check_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks input_check``; data or a bundle that is not there exits with 2."""
    from benchmarks.studies.input_check import run_input_check

    root = _needed_data(arguments)
    options = (arguments.bundle, arguments.studies, arguments.cases, arguments.split)
    print(or_exit(arguments, lambda: run_input_check(root, *options)))
    return 0


def brain_flair_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks brain_flair``; data or weights that are not there exit with 2."""
    from benchmarks.studies.brain_flair import run_brain_flair

    root = _needed_data(arguments)
    print(or_exit(arguments, lambda: run_brain_flair(root, arguments.weights, arguments.bundle)))
    return 0


def _needed_data(arguments: argparse.Namespace) -> str:
    """Return the folder of data; without one the command exits with 2."""
    root = data_folder(arguments) or ""
    if not root:
        arguments.parser.error("no data; give --data or set MONAI_DAS_DATA")
    return root
