"""``monai-das send``: send DICOM files to a server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das.cli.credentials import add_credentials, logged_in
from monai_das.cli.state import state_folder

if TYPE_CHECKING:
    from monai_das.cli.types import Commands


def add_send_parser(commands: Commands) -> None:
    """Add ``monai-das send``."""
    parser = commands.add_parser(
        "send",
        help="send DICOM files to a server",
        description="Send DICOM files, and all in folders, by STOW-RS or C-STORE. A file is stored once the server "
        "confirms it; a second call sends only what is missing. Exit code: 0 all are stored, 1 some are not, 2 nothing "
        "could be sent with these arguments.",
    )
    parser.add_argument("inputs", nargs="+", metavar="FILE_OR_FOLDER", type=Path, help="DICOM file, or folder of them")
    parser.add_argument(
        "--to",
        required=True,
        metavar="ADDRESS",
        help="https://host/dicom-web (STOW-RS) or dicom://AET@host:port (C-STORE)",
    )
    parser.add_argument("--title", default="MONAI-DAS", metavar="AET", help="our AE title (default: %(default)s)")
    parser.add_argument(
        "--retries",
        type=int,
        default=3,
        metavar="N",
        help="ask a server that does not answer, or has no room for now, N times more, after 1, 2, 4, ... seconds "
        "(default: %(default)s)",
    )
    parser.add_argument("--again", action="store_true", help="send also what the server has confirmed before")
    add_credentials(parser)
    parser.set_defaults(run=send, parser=parser)


def send(arguments: argparse.Namespace) -> int:
    """Run ``monai-das send``; return 0 if all files are stored and 1 if some are not. A usage error exits with 2."""
    from monai_das.reports import SendOptions, send_files

    count = failed = earlier = 0
    options = SendOptions(arguments.retries, arguments.title, state_folder() / "sent", arguments.again)
    try:
        (arguments.to,), session = logged_in([arguments.to], arguments.credentials)
        for sent in send_files(arguments.inputs, arguments.to, session, options):
            count += 1
            earlier += sent.earlier
            if sent.error:
                failed += 1
                name = sent.path if arguments.include_phi else f"file {count}"
                print(f"{name}: {sent.error}", file=sys.stderr)
    except ConnectionError as error:
        rest = "the rest is not" if count else "nothing is"
        print(f"{rest} sent: {error}; a second call sends what is missing", file=sys.stderr)
        return 1
    except (ImportError, OSError, ValueError) as error:
        arguments.parser.refuse(error)
    if failed and not arguments.include_phi:
        print("--include-phi shows the paths", file=sys.stderr)
    before = f", {earlier} of them by an earlier call (--again sends these too)" if earlier else ""
    print(f"{count - failed} of {count} files stored at {arguments.to}{before}")
    return 1 if failed else 0
