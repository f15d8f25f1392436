"""Case ids and messages that do not identify the patient."""

from __future__ import annotations

import os

from monai_das.data import StudyBaseError, finding_of


def error_message(error: BaseException, case_id: str, *, include_phi: bool = False) -> str:
    """Return the kind of ``error`` and what it says of the case ``case_id``, without anything that could identify it.

    What our own code says comes without paths, names of files and texts of headers, see
    :class:`~monai_das.data.Finding`. An error of the system is told in the system's words. Of any other error, whose
    text may hold anything, only the kind is told. ``include_phi`` shows the whole text.
    """
    kind = next(each.__name__ for each in type(error).__mro__ if each.__module__ == "builtins")
    known = finding_of(error)
    study = isinstance(error, StudyBaseError)
    if include_phi:
        path = f"{error.name}: " if isinstance(error, StudyBaseError) else ""
        return f"{kind}: {path}{known.full}" if known is not None else f"{type(error).__name__}: {error}"
    if known is not None:
        return f"{kind}: {case_id}: {known.plain}" if study else f"{kind}: {known.plain}"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{kind}: {os.strerror(error.errno)}"
    if isinstance(error, ImportError):
        return f"{kind}: {error}"  # which extra to install
    return f"{type(error).__name__}, whose text may identify the patient; --include-phi shows it"
