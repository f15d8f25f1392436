"""``python -m benchmarks pages``: write the tables of the docs from the results file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.commands.arguments import or_exit

if TYPE_CHECKING:
    from monai_das.cli.types import Commands

GRIDS = Path("benchmarks/grids")


def add_pages_parser(verbs: Commands) -> None:
    """Add ``pages`` to the parsers of ``python -m benchmarks``."""
    parser = verbs.add_parser("pages", help="write the tables of docs/results and the rows in docs/results.md")
    parser.add_argument("--results", type=Path, default=Path("results/runs.jsonl"), help="default: %(default)s")
    parser.add_argument("--docs", type=Path, default=Path("docs"), metavar="DIR", help="default: %(default)s")
    parser.set_defaults(run=pages_command, parser=parser)


def pages_command(arguments: argparse.Namespace) -> int:
    """Run ``python -m benchmarks pages``; an unreadable file exits with 2."""
    from benchmarks.tables import PAGES, write_pages

    def written() -> list[Path]:
        return write_pages({name: table_of(name, arguments.results) for name in PAGES}, arguments.docs)

    print(*or_exit(arguments, written), sep="\n")
    return 0


def table_of(name: str, results: Path) -> str:
    """Return the table of the grid ``name`` as Markdown, made of the runs in ``results`` alone."""
    from benchmarks.engine.sweep import grid_results
    from benchmarks.tables import markdown_of, table_rows

    return markdown_of(table_rows(grid_results(GRIDS / f"{name}.json", results)))
