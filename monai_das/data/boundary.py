"""The boundary around all that reads: whatever a library raises below it becomes one error that names the study."""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from monai_das.data.messages import Finding, StudyBaseError, StudyError, finding_of

P = ParamSpec("P")
R = TypeVar("R")
# they stop a program, and are no faults of a file
STOPS = (KeyboardInterrupt, SystemExit, GeneratorExit)
LONGEST = 200
CUT_OFF = "the data end too early, so the file is cut off: copy it again"
# by the first kind that fits; the words of the library itself say less
FAULTS: tuple[tuple[type[BaseException], str], ...] = (
    (MemoryError, "reading it needs more memory than there is"),
    (RecursionError, "its sequences are nested too deeply; no device writes this: export the study again"),
    (EOFError, CUT_OFF),
    (struct.error, CUT_OFF),
)
SYSTEM_FAULTS = {
    errno.EACCES: "it may not be read; ask for the permission to read it",
    errno.EPERM: "it may not be read; ask for the permission to read it",
    errno.ELOOP: "a link that leads to itself; give the file or folder itself",
    errno.ENAMETOOLONG: "its path is too long for the system; move it nearer to the root",
    errno.ENOENT: "no such file or folder, or a link to one that is gone",
}


@contextmanager
def reading(name: object, failed: str = "") -> Iterator[None]:
    """Turn what is raised inside, whatever it is, into a ``ValueError`` that names the study ``name`` and says why.

    A :class:`StudyBaseError` passes as it is, and so does an ``ImportError``, which names what to install. What stops a
    program (``KeyboardInterrupt``, ``SystemExit``, ``GeneratorExit``) passes too. A library's own words may hold
    texts of headers, so they are kept beside the error's. ``failed`` goes before the reason, as "the header cannot be
    read: ".

    Example:
        >>> try:
        ...     with reading("case.nii"):
        ...         raise MemoryError
        ... except ValueError as error:
        ...     print(error)
        case.nii: reading it needs more memory than there is
    """
    try:
        yield
    except (*STOPS, ImportError, StudyBaseError):
        raise
    except BaseException as error:
        why = reason(error)
        raise StudyError(name, f"{failed}{why.plain}", why.files, why.texts) from error


def at_boundary(method: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """Return the ``method`` of an object with a ``name``, inside :func:`reading`."""

    @wraps(method)
    def guarded(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with reading(self.name):
            return method(self, *args, **kwargs)

    return guarded


def reason(error: BaseException) -> Finding:
    """Return why ``error`` was raised, in our words, with those of the library beside them."""
    known = finding_of(error)
    if known is not None:
        return known
    if isinstance(error, OSError) and error.errno is not None:
        return Finding(SYSTEM_FAULTS.get(error.errno) or f"the system cannot read it: {os.strerror(error.errno)}")
    if isinstance(error, zlib.error):
        cut_off = "incomplete or truncated" in str(error)
        return Finding(CUT_OFF if cut_off else "its compressed data are damaged: copy or export it again")
    for fault, words in FAULTS:
        if isinstance(error, fault):
            return Finding(words)
    lines = [line.strip()[:LONGEST] for line in str(error).splitlines() if line.strip()]
    kind = type(error).__name__
    words = f"a library failed on it ({kind}), so it is damaged or of an unknown kind: copy or export it again"
    return Finding(words, texts=lines[:1])
