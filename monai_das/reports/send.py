"""Send DICOM files to a server: STOW-RS over HTTP, or C-STORE."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from monai_das.data import is_dicom_file
from monai_das.data.identity import file_digest
from monai_das.reports.send_peer import NotNowError, RefusedError, SendPeer
from monai_das.reports.send_store import OUR_TITLE, StorePeer
from monai_das.reports.send_web import WebPeer

STORE_ADDRESS = re.compile(r"dicom://(?P<title>[^@/:\\]{1,16})@(?P<host>[^:/@]+):(?P<port>\d{1,5})/?")
# what stands before an @ may be a password, but for an AE title
NO_PASSWORD, HIDDEN = re.compile(r"dicom://[^@/:]{1,16}@[^@]*$"), re.compile(r".*@", re.DOTALL)
# seconds before the second try, doubled before each further one
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0


@dataclass(frozen=True)
class SentFile:
    """A file, the reason why the server does not have it, or None, and whether it had it before this call."""

    path: Path
    error: str | None
    earlier: bool = False


@dataclass(frozen=True)
class SendOptions:
    """How files are sent.

    Args:
        retries: how often a server that is not there, or has no room for now, is asked again; the waits grow.
        title: our AE title for C-STORE.
        record: folder in which each server's confirmations are kept, as hashes of files; None keeps none.
        again: whether what a server has confirmed before is sent once more.
    """

    retries: int = 3
    title: str = OUR_TITLE
    record: Path | None = None
    again: bool = False


def send_files(
    inputs: Sequence[Path], address: str, session: Any = None, options: SendOptions | None = None
) -> Iterator[SentFile]:
    """Send every DICOM file of ``inputs``, files or folders at any depth, and yield each when it is done.

    The server is echoed first. A file counts as stored if the server confirms its SOPInstanceUID, and no redirect is
    followed. What an earlier call sent, byte for byte, is left out, unless the server says that it no longer has it.

    Args:
        inputs: other files in folders are skipped.
        address: ``https://host/dicom-web`` (or ``http``) for STOW-RS, ``dicom://AET@host:port`` for C-STORE.
        session: a ``requests.Session`` for STOW-RS, see :func:`~monai_das.data.dicomweb_session`; None for a plain one.
        options: None for those of ``SendOptions()``.

    Raises:
        ImportError: the extra ``dicom`` is not installed.
        FileNotFoundError: an input does not exist.
        ValueError: ``address`` is neither; an input is not a DICOM file, or a folder without one.
        ConnectionError: no server answers at ``address``, or it refuses the association; or it is gone meanwhile.
    """
    how = options or SendOptions()
    files = [file for given in inputs for file in _dicom_files(given)]
    with closing(_peer(address, session, files, how.title)) as peer:
        _patiently(peer.connect, how.retries)
        record = _Record(how.record, peer.name)
        for file in files:
            if not how.again and file in record and peer.holds(file) is not False:
                yield SentFile(file, None, earlier=True)
                continue
            try:
                _patiently(partial(peer.store, file), how.retries)
            except NotNowError as error:
                yield SentFile(file, str(error))
                peer.connect()
            except (RefusedError, ValueError) as error:
                yield SentFile(file, str(error).removeprefix(f"{file}: "))
            else:
                record.add(file)
                yield SentFile(file, None)


def _peer(address: str, session: Any, files: Sequence[Path], title: str) -> SendPeer:
    store = STORE_ADDRESS.fullmatch(address)
    if store:
        return StorePeer(store["title"], (store["host"], int(store["port"])), files, title)
    if re.match(r"https?://[^/]", address):
        return WebPeer(address, session)
    shown = address if NO_PASSWORD.match(address) else HIDDEN.sub("...@", address)
    raise ValueError(f"{shown}: give https://host/dicom-web for STOW-RS or dicom://AET@host:port for C-STORE")


def _dicom_files(given: Path) -> list[Path]:
    if not given.exists():
        raise FileNotFoundError(f"{given}: no such file or folder")
    found = sorted(each for each in given.rglob("*") if is_dicom_file(each)) if given.is_dir() else [given]
    if not found or not is_dicom_file(found[0]):
        raise ValueError(f"{given}: no DICOM file; `monai-das predict --report kos,sr,sc` writes some")
    return found


def _patiently(act: Callable[[], None], retries: int) -> None:
    """Call ``act`` until it does not raise :class:`NotNowError`, at most ``retries`` times more."""
    for number in range(retries):
        try:
            return act()
        except NotNowError as error:
            wait = FIRST_WAIT * 2**number if error.wait is None else error.wait
        time.sleep(min(wait, LONGEST_WAIT))
    return act()


class _Record:
    """Which files a server has confirmed, by the SHA-256 of their bytes: a line each in a file for each server."""

    def __init__(self, folder: Path | None, server: str) -> None:
        self.path = folder and folder / f"{hashlib.sha256(server.encode()).hexdigest()[:32]}.txt"
        self.lines: set[str] = set()
        with suppress(OSError):
            self.lines = set(self.path.read_text(encoding="ascii").split()) if self.path else set()

    def __contains__(self, file: Path) -> bool:
        return bool(self.lines) and _digest(file) in self.lines

    def add(self, file: Path) -> None:
        """Note ``file``. Where nothing can be written, the next call sends it again, which does no harm."""
        if self.path is None:
            return
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="ascii") as stream:
                stream.write(f"{_digest(file)}\n")


def _digest(file: Path) -> str | None:
    with suppress(OSError):
        return file_digest(file)
    return None
