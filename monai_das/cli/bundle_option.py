"""The option ``--bundle`` of the sub-commands that need a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """Add ``--bundle``; :func:`bundle_of` reads it."""
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="BUNDLE",
        help="folder of a bundle, a zip of one, or its model.ts (default: the package's own). It is a "
        "program that runs as you: look into one of unknown origin by monai-das info first",
    )


def add_bundle_to_predict(parser: argparse.ArgumentParser) -> None:
    """Add ``--bundle`` and ``--accept-any-input``."""
    add_bundle(parser)
    accept = "classify what the model was not made for, too; every output says so"
    parser.add_argument("--accept-any-input", action="store_true", help=accept)


def bundle_of(arguments: argparse.Namespace) -> Path:
    """Return the bundle that the arguments name, else the package's own.

    Raises:
        FileNotFoundError: they name none, and the package came without one.
    """
    from monai_das.inference import packaged_bundle

    return packaged_bundle() if arguments.bundle is None else Path(arguments.bundle)
