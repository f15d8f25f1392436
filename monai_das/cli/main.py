"""The parser of ``monai-das`` with all its sub-commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import monai_das
from monai_das.cli.doctor import add_doctor_parser
from monai_das.cli.evaluate import add_evaluate_parser
from monai_das.cli.fetch import add_fetch_parser
from monai_das.cli.info import add_info_parser
from monai_das.cli.predict import add_predict_parser
from monai_das.cli.review import add_review_parser
from monai_das.cli.send import add_send_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``monai-das`` with ``argv``, by default the arguments of the process; return the exit code."""
    arguments = build_parser().parse_args(argv)
    return int(arguments.run(arguments))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all sub-commands."""
    parser = argparse.ArgumentParser(prog="monai-das", description=monai_das.__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {monai_das.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_predict_parser(commands)
    add_evaluate_parser(commands)
    add_send_parser(commands)
    add_info_parser(commands)
    add_fetch_parser(commands)
    add_doctor_parser(commands)
    add_review_parser(commands)
    return parser
