"""What the verbs of ``monai-das review`` share: their server, their project, and how they end."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from monai_das.cli.types import Commands
    from monai_das.review import LabelStudioClient

URL, TOKEN = "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"


class Ended(NamedTuple):
    """What a verb says at its end, and its exit code."""

    text: str
    code: int


def add_verb(
    verbs: Commands, name: str, summary: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add a verb that speaks to Label Studio."""
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary)
    parser.add_argument("--url", default=os.environ.get(URL, "http://127.0.0.1:8080"), help=f"default: ${URL}")
    parser.add_argument("--token", default=os.environ.get(TOKEN), help=f"better: ${TOKEN}, which ps does not show")
    parser.set_defaults(run=run, parser=parser)
    return parser


def add_projects(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add ``--project N...``."""
    parser.add_argument(
        "--project", type=int, nargs="+", required=required, default=[], metavar="N",
        help="their numbers, from init; a project for each reader who must not see the others",
    )  # fmt: skip


def with_client(arguments: argparse.Namespace, act: Callable[[LabelStudioClient], str | Ended]) -> int:
    """Print what ``act`` returns; return the exit code."""

    def asked() -> str | Ended:
        from monai_das.review import LabelStudioClient

        if not arguments.token:
            raise ValueError(f"no token; set {TOKEN} to the one on Label Studio's account page")
        with LabelStudioClient(arguments.url, arguments.token) as client:
            return act(client)

    return said(arguments, asked)


def said(arguments: argparse.Namespace, act: Callable[[], str | Ended]) -> int:
    """Print what ``act`` returns; return the exit code; an error exits with 2."""
    from monai_das.review import LabelStudioError

    try:
        found = act()
    except (OSError, ValueError, ImportError, LabelStudioError) as error:
        arguments.parser.refuse(error)
    text, code = (found, 0) if isinstance(found, str) else found
    print(text)
    return code
