"""Send DICOM files by STOW-RS, one in each request, so that the answer is about that file."""

from __future__ import annotations

import json
import secrets
from http.client import responses
from pathlib import Path
from typing import Any

from monai_das._optional import require
from monai_das.data import without_login
from monai_das.data.boundary import reading
from monai_das.data.dicom import read_dataset, whole_file
from monai_das.reports.send_peer import NotNowError, RefusedError, SendPeer

SECONDS = 30
JSON = "application/dicom+json"
# of HTTP: too slow, too often, out of order for now
NOT_NOW = (408, 425, 429, 500, 502, 503, 504)
STORED, FAILED = "00081199", "00081198"  # ReferencedSOPSequence, FailedSOPSequence
STORED_UID, FAILURE_REASON = "00081155", "00081197"
# PS3.18 table I.2-2; what a server uses beside them has no words of its own
FAILURES = {
    0x0110: "processing failure",
    0x0122: "it does not take this SOP class",
    0x0124: "it is not allowed to",
    0xA900: "the object does not fit its SOP class",
    0xC000: "it cannot understand the object",
    0xC122: "it does not take this transfer syntax",
}
OUT_OF_RESOURCES = 0xA700


class WebPeer(SendPeer):
    """A STOW-RS server; no redirect is followed, as it would take the files elsewhere.

    Args:
        address: its root, without name and password.
        session: a ``requests.Session`` with credentials; None for a plain one.
    """

    def __init__(self, address: str, session: Any = None) -> None:
        self.requests: Any = require("requests", extra="dicom")
        self.name = address.rstrip("/")
        self._own = session is None
        self.session = self.requests.Session() if session is None else session

    def connect(self) -> None:
        """Ask for one study. What is no refusal of us is enough: some servers store and do not search."""
        try:
            status = self._ask("GET", "studies?limit=1").status_code
        except RefusedError as error:
            raise ConnectionError(f"{self.name}: {error}") from error
        if status == 401:
            raise ConnectionError(f"{self.name}: {_words(status)}; give credentials by --credentials")

    def store(self, file: Path) -> None:
        """Send the file's own bytes, of a bare file with preamble and file meta before them."""
        with reading(file):
            content, uid = whole_file(file), str(_header(file).SOPInstanceUID)
        mark = secrets.token_hex(16)
        body = b"\r\n".join([f"--{mark}\r\nContent-Type: application/dicom\r\n".encode(), content, b""])
        kind = f'multipart/related; type="application/dicom"; boundary={mark}'
        answer = self._ask("POST", "studies", data=body + f"--{mark}--\r\n".encode(), headers={"Content-Type": kind})
        found = _read(answer)
        if uid in [_value(item, STORED_UID) for item in _items(found, STORED)]:
            return
        refused = [item for item in _items(found, FAILED) if _value(item, STORED_UID) in (uid, None)]
        if not refused:
            unlisted = "" if answer.status_code >= 400 else ", without this object among the stored ones"
            raise RefusedError(f"{_words(answer.status_code)}{unlisted}")
        code = int(_value(refused[0], FAILURE_REASON) or 0)
        if code >> 8 == OUT_OF_RESOURCES >> 8:
            raise NotNowError(f"the server is out of resources, reason {code:#06x}")
        words = FAILURES.get(code & 0xFF00 if code >> 8 == 0xA9 else code)
        raise RefusedError(f"the server refused it, reason {code:#06x}{': ' + words if words else ''}")

    def holds(self, file: Path) -> bool | None:
        """Search for the object in its series."""
        tags = _header(file)
        place = f"studies/{tags.get('StudyInstanceUID')}/series/{tags.get('SeriesInstanceUID')}/instances"
        try:
            answer = self._ask("GET", f"{place}?SOPInstanceUID={tags.SOPInstanceUID}")
        except (NotNowError, RefusedError):
            return None
        found = [] if answer.status_code == 204 else _read(answer)
        if answer.status_code not in (200, 204) or not isinstance(found, list):
            return None
        return any(_value(item, "00080018") == str(tags.SOPInstanceUID) for item in found)

    def close(self) -> None:
        """Close a session of our own."""
        if self._own:
            self.session.close()

    def _ask(self, method: str, place: str, headers: dict[str, str] | None = None, data: bytes | None = None) -> Any:
        """Return the answer, unless it is a redirect or no answer at all."""
        errors = self.requests.exceptions
        try:
            answer = self.session.request(
                method,
                f"{self.name}/{place}",
                data=data,
                headers={"Accept": JSON, **(headers or {})},
                timeout=SECONDS,
                allow_redirects=False,
            )
        except errors.Timeout as error:
            raise NotNowError(f"{self.name} gives no answer within {SECONDS} s") from error
        except errors.SSLError as error:
            raise RefusedError(
                "no secure connection; is it http? or name the file of its certificate in REQUESTS_CA_BUNDLE"
            ) from error
        except errors.RequestException as error:
            raise NotNowError(f"{self.name} cannot be reached; check host and port") from error
        if 300 <= answer.status_code < 400:
            target = without_login(answer.headers.get("Location") or "elsewhere")[0]
            raise RefusedError(
                f"the server redirects to {target} ({_words(answer.status_code)}), which is not followed; if you trust "
                "that server, give its address"
            )
        if answer.status_code in NOT_NOW:
            wait = str(answer.headers.get("Retry-After") or "")
            raise NotNowError(_words(answer.status_code), float(wait) if wait.isdecimal() else None)
        return answer


def _header(file: Path) -> Any:
    return read_dataset(file, specific_tags=["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])


def _words(status: int) -> str:
    return f"the server answers {status} {responses.get(status, 'unknown status')}"


def _read(answer: Any) -> Any:
    """Return the JSON of an answer, None if it holds none."""
    try:
        return json.loads(answer.content or b"null")
    except ValueError:
        return None


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _items(found: Any, tag: str) -> list[Any]:
    """Return the items of a sequence in DICOM's JSON; some servers put the answer into a list."""
    whole = found[0] if isinstance(found, list) and found else found
    return _list(whole[tag].get("Value")) if isinstance(whole, dict) and isinstance(whole.get(tag), dict) else []


def _value(item: Any, tag: str) -> Any:
    """Return the first value of an element in DICOM's JSON, None where there is none."""
    element = item.get(tag) if isinstance(item, dict) else None
    values = _list(element.get("Value")) if isinstance(element, dict) else []
    return values[0] if values else None
