"""The option ``--case-key`` of the sub-commands that name cases or patients, and where the key of a user lies."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_das.data import CaseKey

VARIABLE = "MONAI_DAS_CASE_KEY"


def add_case_key(parser: argparse.ArgumentParser) -> None:
    """Add ``--case-key``; :func:`case_key_of` reads it."""
    parser.add_argument(
        "--case-key",
        type=Path,
        default=os.environ.get(VARIABLE) or None,
        metavar="FILE",
        help="secret by which cases and patients get their ids, the same in every run with the same key; keep a copy "
        f"(default: ${VARIABLE}, else monai-das/case.key in your config folder, made at the first use)",
    )


def case_key_of(arguments: argparse.Namespace) -> CaseKey:
    """Return the key that the arguments name, else the user's own, which is made at the first use.

    Raises:
        OSError: it does not exist, cannot be read or cannot be made.
        ValueError: it is no key, or others may read it.
    """
    from monai_das.data import ensure_case_key, read_case_key

    if arguments.case_key is not None:
        return read_case_key(arguments.case_key)
    place = user_key_file()
    try:
        return ensure_case_key(place)
    except OSError as error:
        raise OSError(f"{place}: the case key cannot be made ({error.strerror}); give --case-key FILE") from error


def user_key_file() -> Path:
    """Return where the key of this user lies: in ``$XDG_CONFIG_HOME`` or ``~/.config``."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")) / "monai-das" / "case.key"
