"""What the commands of the laboratory have in common: numbers, the folder of the data, errors that exit with 2."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def at_least(least: int) -> Callable[[str], int]:
    """Return a function that reads a whole number of at least ``least``, for ``type=`` of an argument."""

    def read(text: str) -> int:
        if not text.removeprefix("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number of at least {least}, got {text}")
        return int(text)

    return read


def data_folder(arguments: argparse.Namespace) -> str | None:
    """Return the folder of the data: what ``--data`` says, else the setting ``MONAI_DAS_DATA``, else None."""
    folder: str | None = arguments.data or os.environ.get("MONAI_DAS_DATA")
    return folder


def or_exit(arguments: argparse.Namespace, act: Callable[[], Answer]) -> Answer:
    """Return the result of ``act``; a file that cannot be read, or an extra that is missing, exits with 2."""
    parser: argparse.ArgumentParser = arguments.parser
    try:
        return act()
    except (OSError, ValueError, ImportError) as error:
        parser.error(str(error))
