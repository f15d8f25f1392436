"""Requests to a DICOMweb server for one study or series, and its refusals in plain words."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import responses
from os import PathLike
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import numpy as np
from numpy.typing import NDArray

from monai_das._optional import require
from monai_das.data.messages import (
    Finding,
    NoAnswerError,
    NoConnectionError,
    ServerError,
    ServerRefusalError,
    StudyBaseError,
    StudyError,
    StudyNotFoundError,
    finding_of,
)

if TYPE_CHECKING:
    from pydicom import Dataset

UID = r"[0-9.]+"
ADDRESS = re.compile(rf"(.+?)/studies/({UID})(?:/series/({UID})(?:/instances/({UID}))?)?/?")
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'


class DICOMwebService:
    """The requests of :class:`DICOMwebSource` to one server.

    Args:
        address: ``ROOT/studies/UID``, ``ROOT/studies/UID/series/UID`` or ``.../instances/UID``; a name and password in
            it are used and appear in no message.
        session: a ``requests.Session`` with the server's credentials or certificates; None for a plain one.
        timeout: seconds to wait for an answer.

    Raises:
        ValueError: ``address`` is none of these.
        ImportError: the extra ``dicom`` is not installed.
    """

    def __init__(self, address: str, session: Any, timeout: float) -> None:
        self.requests: Any = require("requests", extra="dicom")
        self.session = self.requests.Session() if session is None else session
        clean, login = without_login(address)
        self.name = clean.rstrip("/")
        if login is not None:
            self.session.auth = login
        found = ADDRESS.fullmatch(self.name)
        if found is None:
            raise StudyError(
                self.name, "not the address of a DICOMweb study; give ROOT/studies/UID or ROOT/studies/UID/series/UID"
            )
        self.root, self.study, self.series, self.instance = found.groups()
        self.timeout = timeout
        self.client = require("dicomweb_client.api", extra="dicom").DICOMwebClient(
            self.root, session=self.session, timeout=timeout
        )
        # it would repeat a request that timed out five times, waiting ever longer
        self.client.set_http_retry_params(retry=False)

    def metadata(self) -> list[Dataset]:
        """Return the headers of all objects at the address, without pixels."""
        from pydicom import Dataset

        with self.told():
            if self.instance is not None:
                found = [self.client.retrieve_instance_metadata(self.study, self.series, self.instance)]
            elif self.series is not None:
                found = self.client.retrieve_series_metadata(self.study, self.series)
            else:
                found = self.client.retrieve_study_metadata(self.study)
            return [Dataset.from_json(one, bulk_data_uri_handler=_no_bulk_data) for one in found]

    def object(self, series: str, uid: str) -> Dataset:
        """Return the whole object ``uid``, compressed as the server has it."""
        with self.told(self._place(series, uid)):
            found: Dataset = self.client.retrieve_instance(
                self.study, series, uid, media_types=(("application/dicom", "*"),)
            )
            return found

    def frames(self, series: str, uid: str, numbers: Sequence[int]) -> tuple[list[bytes], str]:
        """Return the frames ``numbers`` (1-based) of the object ``uid`` as stored, and their transfer syntax."""
        listed = ",".join(str(number) for number in numbers)
        place = self._place(series, uid)
        with self.told(place):
            answer = self._get(f"{place}/frames/{listed}", FRAMES)
            parts, syntax = multipart(answer.headers.get("Content-Type", ""), answer.content)
            if len(parts) != len(numbers):
                raise ValueError(Finding(f"{len(numbers)} frames asked for, {len(parts)} came"))
            return parts, syntax

    def picture(
        self, series: str, uid: str, frame: int | None, size: tuple[int, int], window: tuple[float, float] | None
    ) -> NDArray[np.uint8]:
        """Return a slice as the server draws it, ``(rows, columns)`` or ``(rows, columns, 3)``, at most ``size``.

        ``size`` is columns and rows; ``window`` is lowest and highest value drawn; None lets the server choose.
        """
        pillow = require("PIL.Image", extra="dicom")

        # by hand, as dicomweb-client writes the comma as %2C, which Orthanc 1.10 refuses
        query = f"viewport={size[0]},{size[1]}"
        if window is not None:
            centre, width = (window[0] + window[1]) / 2, window[1] - window[0]
            query += f"&window={centre:.6g},{width:.6g},linear"
        part = "" if frame is None else f"/frames/{frame}"
        place = self._place(series, uid)
        with self.told(place):
            answer = self._get(f"{place}{part}/rendered?{query}", "image/png")
            image = pillow.open(io.BytesIO(answer.content))
            pixels: NDArray[np.uint8] = np.asarray(image.convert("L" if image.mode in ("L", "1", "I;16") else "RGB"))
            return pixels

    @contextmanager
    def told(self, place: str | None = None) -> Iterator[None]:
        """Turn refusals of the server and failures of the network into errors with the address, or with ``place``."""
        name, errors = self.name if place is None else place, self.requests.exceptions
        try:
            yield
        except errors.HTTPError as error:
            raise _refusal(name, error.response.status_code) from error
        except errors.Timeout as error:
            raise NoAnswerError(
                name, f"no answer within {self.timeout:g} s; is the server well? or give a longer timeout"
            ) from error
        except errors.SSLError as error:
            raise NoConnectionError(
                name, "no secure connection; is it http? or name the file of its certificate in REQUESTS_CA_BUNDLE"
            ) from error
        except errors.ConnectionError as error:
            raise NoConnectionError(name, "no server can be reached there; check host and port") from error
        except StudyBaseError:
            raise
        except (errors.RequestException, ValueError, KeyError, TypeError, OSError) as error:
            known = finding_of(error)
            why = "" if known is None else f" ({known.plain})"
            words = f"what answers does not speak DICOMweb{why}; check the root of the address"
            raise StudyError(name, words, texts=[_short(error)]) from error

    def _place(self, series: str, uid: str) -> str:
        return f"{self.root}/studies/{self.study}/series/{series}/instances/{uid}"

    def _get(self, url: str, accept: str) -> Any:
        answer = self.session.get(url, headers={"Accept": accept}, timeout=self.timeout)
        answer.raise_for_status()
        return answer


def is_address(path: str | PathLike[str]) -> bool:
    """Say whether ``path`` is the address of a web server."""
    return str(path).startswith(("http://", "https://"))


def without_login(address: str) -> tuple[str, tuple[str, str] | None]:
    """Return ``address`` without name, password and query, and the name and password, or None.

    Raises:
        ValueError: a sign in the name or password ends the host early; the message does not hold the address.
    """
    parts = urlsplit(address)
    host, colon, port = parts.netloc.rpartition("@")[2].partition(":")
    if colon and not host.startswith("[") and (not port.isdecimal() or "@" in address.partition(parts.netloc)[2]):
        raise ValueError(
            "the address holds no host and port that can be told from a name and password; it is not shown here: write "
            "/ ? # @ in a name or password as %2F %3F %23 %40, or give --credentials"
        )
    clean = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    login = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    return clean, login


def multipart(content_type: str, body: bytes) -> tuple[list[bytes], str]:
    """Return the parts of a ``multipart/related`` answer, and the transfer syntax it names.

    Raises:
        ValueError: the answer is of another kind.
    """
    boundary = re.search(r'boundary="?([^";,]+)"?', content_type)
    if boundary is None:
        raise ValueError(Finding("multipart/related was asked for, another kind came"))
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:-1]
    split = [piece.partition(b"\r\n\r\n") for piece in pieces]
    heads = content_type + "".join(head.decode("latin-1") for head, _, _ in split)
    syntax = re.search(rf"transfer-syntax=\"?({UID})", heads)
    return [data for _, _, data in split], syntax[1] if syntax else EXPLICIT_LITTLE_ENDIAN


def _refusal(name: str, status: int) -> OSError:
    """Return the error for a refusal, in the standard's words, because a server's own words may be anything."""
    reason = responses.get(status, "unknown status")
    if status in (401, 403):
        return ServerRefusalError(
            name,
            f"the server lets only those in whom it knows ({status} {reason}); give credentials: in a session, "
            "or by --credentials",
        )
    if status == 404:
        return StudyNotFoundError(name, f"the server has nothing there (404 {reason}); check the root and the UIDs")
    return ServerError(name, f"the server answers {status} {reason}; its log may say why")


def _no_bulk_data(*_: object) -> None:
    """Leave out what the server offers to send separately, such as pixels."""


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
