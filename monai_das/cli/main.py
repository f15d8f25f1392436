"""The parser of ``monai-das`` with all its sub-commands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import monai_das
from monai_das.cli.cohort import add_cohort_parser
from monai_das.cli.doctor import add_doctor_parser
from monai_das.cli.evaluate import add_evaluate_parser
from monai_das.cli.fetch import add_fetch_parser
from monai_das.cli.info import add_info_parser
from monai_das.cli.new import add_new_parser
from monai_das.cli.parser import INCLUDE_PHI, Parser
from monai_das.cli.predict import add_predict_parser
from monai_das.cli.review import add_review_parser
from monai_das.cli.send import add_send_parser

if TYPE_CHECKING:
    from monai_das.cli.types import Commands


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``monai-das`` with ``argv``, by default the arguments of the process; return the exit code."""
    return run_command(build_parser().parse_args(argv))


def run_command(arguments: argparse.Namespace) -> int:
    """Run the command in ``arguments`` and return its exit code.

    What no command has foreseen ends in one line and the code 2, without paths and texts of files, which may name a
    patient; ``--debug`` shows the traceback. Ctrl-C ends in one line and the code 130.
    """
    if arguments.debug:
        return int(arguments.run(arguments))
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print("\nmonai-das: stopped; what is finished stays", file=sys.stderr)
        return 130
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        print(f"monai-das: error: {_unforeseen(error)}; --debug shows where", file=sys.stderr)
        return 2


def _unforeseen(error: BaseException) -> str:
    """Return what ``error`` is, without paths and other texts: our words, the system's, or the kind of the error."""
    from monai_das.data import finding_of

    known = finding_of(error)
    if known is not None:
        return known.plain
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    return f"unexpected {type(error).__name__}"


def build_parser() -> Parser:
    """Return the parser of all sub-commands."""
    parser = Parser(prog="monai-das", description=monai_das.__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {monai_das.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_new_parser(commands)
    add_predict_parser(commands)
    add_cohort_parser(commands)
    add_evaluate_parser(commands)
    add_send_parser(commands)
    add_info_parser(commands)
    add_fetch_parser(commands)
    add_doctor_parser(commands)
    add_review_parser(commands)
    for each in (parser, *_all_commands(commands)):
        each.add_argument(
            "--debug",
            action="store_true",
            default=False if each is parser else argparse.SUPPRESS,
            help="show the traceback of an unexpected error, which may hold patient data",
        )
        if each._subparsers is None and INCLUDE_PHI not in each._option_string_actions:
            each.add_argument(INCLUDE_PHI, action="store_true", help="let messages show names and paths")
    return parser


def _all_commands(commands: Commands) -> Iterator[Parser]:
    """Yield the parsers of all sub-commands, and theirs."""
    for parser in commands.choices.values():
        yield parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from _all_commands(action)
