"""``monai-das fetch``: put a bundle into a folder, verified."""

from __future__ import annotations

import argparse
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_das.cli.types import Commands


def add_fetch_parser(commands: Commands) -> None:
    """Add ``monai-das fetch``."""
    parser = commands.add_parser(
        "fetch",
        help="unpack a bundle from a zip or an address, after its SHA-256 was verified",
        description="Put the bundle in a zip into OUT/NAME, whole or not at all. Exit code 2: it is refused.",
    )
    parser.add_argument("source", metavar="SOURCE", help="path of a zip, or its https:// or file:// address")
    parser.add_argument("-o", "--out", type=Path, default=Path(), metavar="OUT", help="default: the working folder")
    parser.add_argument("--sha256", metavar="HEX", help="of the zip, from SHA256SUMS; an address needs it")
    parser.set_defaults(run=fetch, parser=parser)


def fetch(arguments: argparse.Namespace) -> int:
    """Run ``monai-das fetch``; what is refused exits with 2."""
    from monai_das.inference import fetch_bundle

    try:
        bundle = fetch_bundle(arguments.source, arguments.out, arguments.sha256)
    except (OSError, ValueError, HTTPException) as error:
        arguments.parser.refuse(error)
    print(f"{bundle}\nsee what is in it: monai-das info {bundle}\nuse it: monai-das predict --bundle {bundle}")
    return 0
