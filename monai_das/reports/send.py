"""Send DICOM files to a server: STOW-RS over HTTP, or C-STORE."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_das._optional import require
from monai_das.data import is_dicom_file

STORE_ADDRESS = re.compile(r"dicom://(?P<title>[^@/]{1,16})@(?P<host>[^:/@]+):(?P<port>\d{1,5})/?")
OUR_TITLE = "MONAI-DAS"
SECONDS = 30


@dataclass(frozen=True)
class SentFile:
    """A file, and the reason why the server refused it, or None."""

    path: Path
    error: str | None


def send_files(inputs: Sequence[Path], address: str, session: Any = None) -> Iterator[SentFile]:
    """Send every DICOM file of ``inputs``, files or folders at any depth, and yield each when it is done.

    Args:
        inputs: other files in folders are skipped.
        address: ``https://host/dicom-web`` (or ``http``) for STOW-RS, ``dicom://AET@host:port`` for C-STORE.
        session: a ``requests.Session`` for STOW-RS, see :func:`~monai_das.data.dicomweb_session`; None for a plain one.

    Raises:
        ImportError: the extra ``dicom`` is not installed.
        FileNotFoundError: an input does not exist.
        ValueError: ``address`` is neither; an input is not a DICOM file, or a folder without one.
        ConnectionError: no server answers a C-STORE at ``address``, or it refuses the association.
    """
    files = [file for given in inputs for file in _dicom_files(given)]
    store = STORE_ADDRESS.fullmatch(address)
    if store:
        yield from _c_store(files, store["title"], store["host"], int(store["port"]))
    elif re.match(r"https?://[^/]", address):
        yield from _stow(files, address, session)
    else:
        raise ValueError(f"{address}: give https://host/dicom-web for STOW-RS or dicom://AET@host:port for C-STORE")


def _dicom_files(given: Path) -> list[Path]:
    if not given.exists():
        raise FileNotFoundError(f"{given}: no such file or folder")
    found = sorted(each for each in given.rglob("*") if is_dicom_file(each)) if given.is_dir() else [given]
    if not found or not is_dicom_file(found[0]):
        raise ValueError(f"{given}: no DICOM file; `monai-das predict --report kos,sr,sc` writes some")
    return found


def _stow(files: Sequence[Path], address: str, session: Any) -> Iterator[SentFile]:
    """Send one file per request, so that the server's answer is about that file."""
    client = require("dicomweb_client", extra="dicom").DICOMwebClient(url=address.rstrip("/"), session=session)
    # it would repeat a request that timed out five times, waiting ever longer
    client.set_http_retry_params(retry=False)
    for file in files:
        yield SentFile(file, _error(lambda found=file: _stow_one(client, found)))


def _stow_one(client: Any, file: Path) -> str | None:
    from pydicom import dcmread

    answer = client.store_instances([dcmread(file)])
    failed = answer.get("FailedSOPSequence")
    return f"the server refused it, reason {failed[0].get('FailureReason'):#06x}" if failed else None


def _c_store(files: Sequence[Path], title: str, host: str, port: int) -> Iterator[SentFile]:
    """Send all files over one association, with a presentation context for each class and transfer syntax."""
    from pydicom import dcmread

    entity = require("pynetdicom", extra="dicom").AE(ae_title=OUR_TITLE)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = SECONDS
    for kind in dict.fromkeys(_kind(file) for file in files):
        entity.add_requested_context(*kind)
    association = entity.associate(host, port, ae_title=title)
    if not association.is_established:
        why = "refused the association" if association.is_rejected else "does not answer"
        raise ConnectionError(f"dicom://{title}@{host}:{port} {why}; check host, port and title, and that it knows us "
                              f"as {OUR_TITLE}")  # fmt: skip
    try:
        for file in files:
            yield SentFile(file, _error(lambda found=file: _status_error(association.send_c_store(dcmread(found)))))
    finally:
        association.release()


def _kind(file: Path) -> tuple[str, str]:
    from pydicom.filereader import read_file_meta_info

    meta = read_file_meta_info(file)
    return str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID)


def _status_error(status: Any) -> str | None:
    """Return the meaning of a C-STORE status; None for success and for warnings (0xBxxx), as both store the file."""
    if "Status" not in status:
        return "the server broke the connection"
    code = int(status.Status)
    if code == 0 or code >> 12 == 0xB:
        return None
    comment = str(status.get("ErrorComment") or "").strip()
    return f"the server refused it, status {code:#06x}{': ' + comment if comment else ''}"


def _error(send: Any) -> str | None:
    """Return the answer of ``send``, or the error that it raises as text."""
    try:
        found: str | None = send()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return found
