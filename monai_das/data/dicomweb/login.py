"""Logins for DICOMweb servers: names, passwords and tokens, each sent only to its own server."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from monai_das._optional import require
from monai_das.data.dicomweb.service import without_login

BEARER = "Bearer "


def dicomweb_session(addresses: Sequence[str], credentials: str | None = None) -> Any:
    """Return a ``requests.Session`` that logs in to the servers of ``addresses``; None if there is no login.

    A name and password in an address take precedence over ``credentials``. No other server gets them, not even after a
    redirection, and no message holds them. Pass addresses without them (:func:`without_login`) to code that may print
    them.

    Args:
        addresses: of DICOMweb servers, or of studies on them; they may hold ``NAME:PASSWORD@`` before the host.
        credentials: ``NAME:PASSWORD``, or ``Bearer TOKEN``.

    Raises:
        ValueError: ``credentials`` are neither; the message does not hold them.
        ImportError: the extra ``dicom`` is not installed.
    """
    known = None if credentials is None else _authorization(credentials)
    told: dict[str, str] = {}
    for address in addresses:
        clean, login = without_login(address)
        value = known if login is None else _authorization(":".join(login))
        if value is not None:
            told.setdefault(urlsplit(clean).netloc, value)
    if not told:
        return None
    session = require("requests", extra="dicom").Session()
    session.auth = ServerLogins(told)
    return session


class ServerLogins:
    """Adds the header Authorization to requests, for ``requests.Session.auth``.

    Args:
        told: maps a host (with its port, if one is given) to the value of the header.
    """

    def __init__(self, told: Mapping[str, str]) -> None:
        self._told = dict(told)

    def __call__(self, request: Any) -> Any:
        """Return ``request``, with the header if its server has a login."""
        value = self._told.get(urlsplit(request.url).netloc)
        if value is not None:
            request.headers["Authorization"] = value
        return request


def _authorization(credentials: str) -> str:
    """Return the value of the header Authorization."""
    words = credentials.strip()
    token = words.removeprefix(BEARER).strip()
    fits = bool(token) if words.startswith(BEARER) else ":" in words
    if not fits or not words.isprintable():
        raise ValueError("credentials must be NAME:PASSWORD or 'Bearer TOKEN' in one line; they are neither")
    if words.startswith(BEARER):
        return BEARER + token
    return f"Basic {base64.b64encode(words.encode()).decode()}"
