"""Where a benchmark's data lies."""

from __future__ import annotations

import argparse
import os


def data_folder(arguments: argparse.Namespace) -> str | None:
    """Return the folder of the data: what ``--data`` says, else the setting ``MONAI_DAS_DATA``, else None."""
    folder: str | None = arguments.data or os.environ.get("MONAI_DAS_DATA")
    return folder
