"""Cases on disk and on DICOMweb servers, from what a user types, and what was passed over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Union

from monai_das.data.cases import case_name, cases_in, find_cases, real_path, unique_name
from monai_das.data.dicom import SeriesCase, series_place
from monai_das.data.dicomweb import DICOMwebService, is_address, served_images, without_login

# a path, or the address of a series or object on a DICOMweb server
Study = Union[Path, str]
# of one format, for lists
MOST_PATHS = 100


@dataclass(frozen=True)
class PassedOver:
    """Files or objects of one kind that are no case.

    Attributes:
        input: number of the input that holds them, from 1.
        format: what they are, as ``"PDF"`` or ``"DICOM localizer"``.
        count: their number.
        paths: the first of them; they may hold patient data.
    """

    input: int
    format: str
    count: int
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Survey:
    """The name and the path or address of every case, and what is none."""

    cases: tuple[tuple[str, Study], ...]
    passed_over: tuple[PassedOver, ...]


def find_studies(inputs: Sequence[str | PathLike[str]], session: Any = None) -> list[tuple[str, Study]]:
    """Return the cases of :func:`survey_studies`, whose arguments and errors it shares."""
    return [*survey_studies(inputs, session).cases]


def survey_studies(inputs: Sequence[str | PathLike[str]], session: Any = None, series: str | None = None) -> Survey:
    """Return ``(name, path or address)`` of every case in ``inputs``, for :func:`open_source`, and what is none.

    Paths come from :func:`find_cases`, addresses from :func:`dicomweb_cases`; an address is named by its last UID.
    Inputs keep their order, names are unique, and what is given twice counts once. An input without a case is a case
    itself, so that finding never ends a run: ``open_source`` says what is wrong with it.

    Args:
        inputs: files, folders, and addresses on DICOMweb servers (``http://`` or ``https://``).
        session: a ``requests.Session`` for the servers; None for a plain one.
        series: take only DICOM series with this SeriesInstanceUID or SeriesDescription (* and ? are placeholders), even
            if nobody acquired them, as localizers.

    Raises:
        ValueError: there is no input.
        ImportError: an address needs the extra ``dicom``.
    """
    if not inputs:
        find_cases(inputs)  # which says what to give
    cases: list[tuple[str, Study]] = []
    passed: list[PassedOver] = []
    names: set[str] = set()
    known: set[Study] = set()
    for number, given in enumerate(inputs, start=1):
        found, rest = _served(str(given), session, series) if is_address(given) else _on_disk(Path(given), series)
        for name, study in found:
            place = real_path(study) if isinstance(study, Path) else study
            if place not in known:
                known.add(place)
                cases.append((unique_name(name, names), study))
        passed += [PassedOver(number, kind, len(each), tuple(each[:MOST_PATHS])) for kind, each in sorted(rest.items())]
    return Survey(tuple(cases), tuple(passed))


def _on_disk(root: Path, series: str | None) -> tuple[list[tuple[str, Study]], dict[str, list[str]]]:
    found = cases_in(root, series)
    missing = root if series is None else series_place(root, series)
    cases: list[tuple[str, Study]] = [(case_name(path, root), path) for path in found.cases or [missing]]
    return cases, {kind: [str(path) for path in paths] for kind, paths in found.passed.items()}


def _served(address: str, session: Any, series: str | None) -> tuple[list[tuple[str, Study]], dict[str, list[str]]]:
    try:
        cases, rest = _at_address(address, session, 30.0, series)
    except ValueError:
        cases, rest = [without_login(address)[0].rstrip("/")], {}
    return [(each.rpartition("/")[2], each) for each in cases], rest


def dicomweb_cases(address: str, session: Any = None, timeout: float = 30.0, series: str | None = None) -> list[str]:
    """Return the addresses of the cases at ``address``: a study, a series or an object on a DICOMweb server.

    Of a study, every series of acquired images is a case, by SeriesNumber, grouped as files are: see
    :func:`find_cases`. A series of several multi-frame objects is a case for each. A series or object that is named is
    a case whatever it is. If the server does not answer as it should, or has no acquired image there, ``address``
    itself is the case, and opening it raises the error.

    Args:
        address: ``ROOT/studies/UID``, ``ROOT/studies/UID/series/UID`` or ``.../instances/UID``.
        session: a ``requests.Session`` with the server's credentials or certificates.
        timeout: seconds to wait for an answer.
        series: as for :func:`survey_studies`.

    Returns:
        Addresses of series or objects, without the name and password that ``address`` may hold.

    Raises:
        ValueError: ``address`` is none of these.
        ImportError: the extra ``dicom`` is not installed.
    """
    return _at_address(address, session, timeout, series)[0]


def _at_address(
    address: str, session: Any, timeout: float, series: str | None
) -> tuple[list[str], dict[str, list[str]]]:
    service = DICOMwebService(address, session, timeout)
    if service.instance is not None:
        return [service.name], {}
    try:
        served = served_images(service, series)
    except (OSError, ValueError):
        return [service.name], {}
    rest: dict[str, list[str]] = defaultdict(list)
    for kind, record in served.grouping.passed:
        rest[f"DICOM {kind}"].append(f"{service.name}/{record.path}")
    for kind in served.objects:
        rest[kind].append(service.name)
    root = f"{service.root}/studies/{service.study}/series"
    return [f"{root}/{case.uid}{_end(case)}" for case in served.grouping.cases] or [service.name], rest


def _end(case: SeriesCase) -> str:
    """Return what follows the address of the series for one of its cases: nothing, or the object of several frames."""
    return f"/instances/{case.images[0].uid}" if case.clip and case.part else ""
