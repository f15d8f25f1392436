"""The option ``--max-memory`` of the sub-commands that read studies."""

from __future__ import annotations

import argparse


def add_max_memory(parser: argparse.ArgumentParser) -> None:
    """Add ``--max-memory``; :func:`max_memory_of` reads it."""
    memory = "refuse a case that would need more memory, in GiB (default: a quarter of the machine's)"
    parser.add_argument("--max-memory", type=float, metavar="GIB", help=memory)


def max_memory_of(arguments: argparse.Namespace) -> int | None:
    """Return the bytes that a case may ask for, None for the default.

    Raises:
        ValueError: it is no such number.
    """
    most = arguments.max_memory
    if most is None:
        return None
    if not 0 < most < 1e6:
        raise ValueError(f"--max-memory must be a number of GiB above 0, got {most:g}")
    return max(1, int(most * 2**30))
