"""The options ``--series``, ``--time-point``, ``--echo`` and ``--choose``, by which one of several images is chosen."""

from __future__ import annotations

import argparse
import re

KEYWORD = re.compile(r"([A-Za-z]+)=(.*)")


def add_choose(parser: argparse.ArgumentParser) -> None:
    """Add the options to ``parser``."""
    parser.add_argument(
        "--series",
        metavar="UID|NAME",
        help="of DICOM, take only series with this SeriesInstanceUID or SeriesDescription (* and ? are placeholders), "
        "even if nobody acquired them, as localizers; other files are passed over",
    )
    parser.add_argument(
        "--time-point", type=int, metavar="N", help="of several time points, take this one, counted from 0"
    )
    parser.add_argument("--echo", type=int, metavar="N", help="of several echoes, take this one (EchoNumbers)")
    parser.add_argument(
        "--choose",
        action="append",
        default=[],
        type=_keyword_and_value,
        metavar="KEYWORD=VALUE",
        help="take only DICOM images whose tag has this value, as DiffusionBValue=800; several are possible",
    )


def chosen_of(arguments: argparse.Namespace) -> dict[str, object]:
    """Return what the options but ``--series`` choose, for :func:`monai_das.data.open_source`."""
    chosen: dict[str, object] = dict(arguments.choose)
    if arguments.echo is not None:
        chosen["EchoNumbers"] = arguments.echo
    if arguments.time_point is not None:
        chosen["time_point"] = arguments.time_point
    return chosen


def _keyword_and_value(words: str) -> tuple[str, str]:
    found = KEYWORD.fullmatch(words)
    if found is None:
        raise argparse.ArgumentTypeError("give KEYWORD=VALUE, with a keyword of DICOM, as DiffusionBValue=800")
    return found[1], found[2]
