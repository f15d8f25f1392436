"""Case ids and messages that do not identify the patient."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from monai_das.data import Study, StudyBaseError, finding_of
from monai_das.reports.json_report import write_object


def pseudonyms(cases: Sequence[tuple[str, Study]]) -> list[tuple[str, Study]]:
    """Return ``cases`` in the same order, with ``case-0001``, ``case-0002``, ... instead of their names.

    A number does not identify the study; only the inputs or :func:`write_case_map` lead back to it.

    Example:
        >>> pseudonyms([("DOE_JOHN", Path("DOE_JOHN"))])[0][0]
        'case-0001'
    """
    return [(f"case-{number:04d}", study) for number, (_, study) in enumerate(cases, start=1)]


def write_case_map(cases: Sequence[tuple[str, Study]], path: Path) -> None:
    """Write the path or address behind each pseudonym to ``path`` as JSON, whole or not at all.

    This file holds identities if paths do. We write no other such file unless asked to.
    """
    places = {case_id: str(found.absolute() if isinstance(found, Path) else found) for case_id, found in cases}
    write_object({"cases": places}, path)


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
