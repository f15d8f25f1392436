"""``python -m benchmarks``: measure what the documentation claims."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks.commands.learning import add_learning_parsers
from benchmarks.commands.pages import add_pages_parser
from benchmarks.commands.studies import add_study_parsers
from benchmarks.commands.sweeps import add_sweep_parsers

DESCRIPTION = "Measure what the documentation claims. Every verb prints a table; studies end with one JSON object."


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``python -m benchmarks`` with ``argv``, by default the arguments of the process; return its exit code."""
    arguments = build_parser().parse_args(argv)
    return int(arguments.run(arguments))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs; each adds a parser and sets ``run``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=DESCRIPTION)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    add_sweep_parsers(verbs)
    add_study_parsers(verbs)
    add_learning_parsers(verbs)
    add_pages_parser(verbs)
    return parser
