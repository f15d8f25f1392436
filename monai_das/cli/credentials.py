"""Credentials for the sub-commands that speak to DICOMweb servers, and addresses without them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

VARIABLE = "MONAI_DAS_CREDENTIALS"


def add_credentials(parser: argparse.ArgumentParser) -> None:
    """Add ``--credentials``; the default comes from the environment."""
    parser.add_argument(
        "--credentials",
        default=os.environ.get(VARIABLE),
        metavar="WORDS",
        help="NAME:PASSWORD or 'Bearer TOKEN' for the DICOMweb servers named here; no message holds them. Better: "
        f"${VARIABLE}, which ps does not show; NAME:PASSWORD@ in an address does too",
    )


def logged_in(addresses: Sequence[str], credentials: str | None) -> tuple[list[str], Any]:
    """Return ``addresses`` without names and passwords, paths unchanged, and the session that holds the credentials.

    Raises:
        ValueError, ImportError: see :func:`monai_das.data.dicomweb_session`.
    """
    from monai_das.data import dicomweb_session, is_address, without_login

    servers = [each for each in addresses if is_address(each)]
    session = dicomweb_session(servers, credentials)
    return [without_login(each)[0] if is_address(each) else each for each in addresses], session
