"""The folder of results: one run at a time, and the reports of a case are complete or absent."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from monai_das.data import CASE_ID, SliceSource, StudyBaseError

LOCK = ".monai-das.lock"
# what a killed run leaves: a case that was being written, the one that it was to replace, a file half written
LEFT = re.compile(rf"\.(?P<case>{CASE_ID.pattern})\.(?P<state>new|old)|\.[0-9a-f]{{8}}\.json")
# the reports of a case, in the order of writing
FILES = {
    "png": "montage.png",
    "html": "case.html",
    "slices": "slices.zip",
    "kos": "key_objects.dcm",
    "sr": "report.dcm",
    "sc": "montage.dcm",
    "fhir": "imaging_selection.json",
    "json": "result.json",
}


class CannotWriteError(OSError):
    """The folder takes nothing more; what is finished in it stays."""


@contextmanager
def out_folder(folder: Path) -> Iterator[None]:
    """Keep ``folder``, which is made if missing, for this process alone, and clean up after a run that was killed.

    The lock is the system's: it ends with the process, however that ends.

    Raises:
        ValueError: another process has the folder; the message names it.
        CannotWriteError: nothing can be written there.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as place, out_folder(Path(place) / "out"):
        ...     print(*sorted(each.name for each in Path(place, "out").iterdir()))
        .monai-das.lock
    """
    with ExitStack() as stack:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(
                file_lock(
                    folder / LOCK, lambda who: f"{folder} belongs to {who}; wait for it to end, or give another OUT"
                )
            )
            _clean(folder)
        yield


@contextmanager
def file_lock(path: Path, taken: Callable[[str], str]) -> Iterator[None]:
    """Hold the lock ``path``, a file that names this process and goes at the end.

    The lock is the system's: it ends with the process, however that ends. Where the file system knows no locks, a
    warning says so.

    Args:
        path: of the file.
        taken: says that another process has the lock, from words for that process.

    Raises:
        ValueError: another process has it.
    """
    handle = _locked(path, taken)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(handle)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the system says against writing into :class:`CannotWriteError`; errors about a study pass."""
    try:
        yield
    except (StudyBaseError, CannotWriteError):
        raise
    except OSError as error:
        why = error.strerror or "the disk took only a part of a file"
        raise CannotWriteError(f"{folder} cannot be written: {why}; what is finished in it stays") from error


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``folder`` at the end, or not at all if the body raises.

    Other files than reports are taken over. A process that is killed meanwhile leaves the old folder or
    the new one, once the next run has cleaned up.
    """
    new, old = _beside(folder, "new"), _beside(folder, "old")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        if old.exists():
            _take_over(old, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def read_result(folder: Path) -> dict[str, Any]:
    """Return the ``result.json`` of a case; empty if there is none that can be read."""
    try:
        found = json.loads((folder / FILES["json"]).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def newest(source: SliceSource) -> float:
    """Return when the newest file of ``source`` was changed; 0 where no file holds it."""
    return max((file.stat().st_mtime for file in source.files), default=0.0)


def refuse_others(folder: Path, fingerprint: str, *, redo: bool) -> None:
    """Keep results of other weights or settings than those of ``fingerprint`` out of ``folder``.

    Args:
        folder: of results.
        fingerprint: of :class:`~monai_das.inference.Predictor`.
        redo: remove their reports; False refuses the folder.

    Raises:
        ValueError: there are such results.
    """
    others = {}
    for case in sorted(folder.glob("case-*")):
        found = read_result(case)
        if found and found.get("fingerprint") != fingerprint:
            others[case] = found.get("model")
    if not others:
        return
    if not redo:
        model = next(iter(others.values()))
        named = f"{model.get('name')} {model.get('version')}" if isinstance(model, dict) else "another model"
        raise ValueError(
            f"{folder} holds results of other weights or settings ({len(others)} cases, by {named}), and no run mixes "
            "them; give another OUT, or --redo, which removes them"
        )
    for case in others:
        remove_reports(case)


def remove_reports(folder: Path) -> None:
    """Remove the reports of a case, ``result.json`` first, and its folder if nothing else is in it."""
    for name in reversed(FILES.values()):
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _beside(folder: Path, state: str) -> Path:
    return folder.with_name(f".{folder.name}.{state}")


def _take_over(old: Path, folder: Path) -> None:
    """Move other files than reports from ``old`` to ``folder``, and remove ``old``."""
    for each in old.iterdir():
        if each.name not in FILES.values() and not (folder / each.name).exists():
            each.rename(folder / each.name)
    shutil.rmtree(old)


def _locked(path: Path, taken: Callable[[str], str]) -> int:
    """Return the handle of the lock, with this process named in it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            who = os.read(handle, 4096).decode("utf-8", "replace")
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                os.close(handle)
                raise ValueError(taken(_named(who))) from None
            words = f"{path.parent} knows no locks ({error.strerror}); let no other run write there"
            warnings.warn(words, stacklevel=5)
        # whoever had it before may have removed the file between our two calls
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                break
        os.close(handle)
    since = datetime.now(timezone.utc).isoformat(timespec="seconds")
    os.ftruncate(handle, 0)
    os.write(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}).encode())
    return handle


def _named(text: str) -> str:
    """Return which process wrote ``text`` into the lock."""
    try:
        found = json.loads(text)
        return f"another run, process {found['pid']} on {found['host']}, since {found['since']}"
    except (ValueError, KeyError, TypeError):
        return "another run that is just starting"


def _clean(folder: Path) -> None:
    """Put back or remove what a killed run left half done."""
    for each in sorted(folder.iterdir()):
        found = LEFT.fullmatch(each.name)
        if found is None:
            continue
        if found["state"] is None:
            each.unlink(missing_ok=True)
        elif found["state"] == "new" or not each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        elif (folder / found["case"]).exists():
            _take_over(each, folder / found["case"])
        else:
            each.rename(folder / found["case"])
