"""``monai-das send``: send DICOM files to a server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monai_das.cli.credentials import add_credentials, logged_in

if TYPE_CHECKING:
    from monai_das.cli.types import Commands


def add_send_parser(commands: Commands) -> None:
    """Add ``monai-das send``."""
    parser = commands.add_parser(
        "send",
        help="send DICOM files to a server",
        description="Send DICOM files, and all in folders, by STOW-RS or C-STORE. Exit code: 0 all are stored, 1 some "
        "are not, 2 nothing could be sent with these arguments.",
    )
    parser.add_argument("inputs", nargs="+", metavar="FILE_OR_FOLDER", type=Path, help="DICOM file, or folder of them")
    parser.add_argument(
        "--to",
        required=True,
        metavar="ADDRESS",
        help="https://host/dicom-web (STOW-RS) or dicom://AET@host:port (C-STORE; we call ourselves MONAI-DAS)",
    )
    add_credentials(parser)
    parser.set_defaults(run=send, parser=parser)


def send(arguments: argparse.Namespace) -> int:
    """Run ``monai-das send``; return 0 if all files are stored and 1 if some are not. A usage error exits with 2."""
    from monai_das.reports import send_files

    count = failed = 0
    try:
        (arguments.to,), session = logged_in([arguments.to], arguments.credentials)
        for sent in send_files(arguments.inputs, arguments.to, session):
            count += 1
            if sent.error:
                failed += 1
                print(f"{sent.path}: {sent.error}", file=sys.stderr)
    except ConnectionError as error:
        print(f"{arguments.inputs[0]}: not sent: {error}", file=sys.stderr)
        return 1
    except (ImportError, OSError, ValueError) as error:
        arguments.parser.error(str(error))
    print(f"{count - failed} of {count} files stored at {arguments.to}")
    return 1 if failed else 0
