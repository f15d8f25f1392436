"""``monai-das info``: what a bundle is, without running it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_das.cli.types import Commands


def add_info_parser(commands: Commands) -> None:
    """Add ``monai-das info``."""
    parser = commands.add_parser(
        "info",
        help="show what a bundle is and what code is in it, without running it",
        description="Show what a bundle says of itself, the SHA-256 of its weights, and all code that running it would "
        "execute beyond monai, monai_das, torch and ignite. Nothing in the bundle is executed. Exit code 2: no bundle.",
    )
    parser.add_argument(
        "bundle", type=Path, nargs="?", metavar="BUNDLE", help="folder, zip or model.ts (default: the package's own)"
    )
    parser.set_defaults(run=info, parser=parser)


def info(arguments: argparse.Namespace) -> int:
    """Run ``monai-das info``; what is no bundle exits with 2."""
    from monai_das.cli.bundle_option import bundle_of
    from monai_das.inference import summarise_bundle

    try:
        bundle = bundle_of(arguments)
        found = summarise_bundle(bundle)
    except (OSError, ValueError) as error:
        arguments.parser.refuse(error)
    for name, text in {"bundle": str(bundle), **found.facts}.items():
        print(f"{name + ':':<22}{_printable(text)}")
    print(f"\nRunning it executes {len(found.code)} pieces of code:")
    for file, place, text in found.code:
        print(f"  {_printable(f'{file} {place}')}: {_printable(text)}")
    for name in found.unread:
        print(f"Not looked into: {_printable(name)}")
    return 0


def _printable(text: str) -> str:
    """Return ``text`` in one line, without characters that move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
