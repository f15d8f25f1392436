"""Case ids and messages that do not identify the patient."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from monai_das.data import Study, is_dicom_file
from monai_das.reports.json_report import write_object

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

REMOVED = "[removed]"
# shorter values are part of too many ordinary words
SHORTEST = 3
# the values of these are numbers, codes of the standard or UIDs
HARMLESS = {"AT", "CS", "DS", "FD", "FL", "IS", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UI", "UL", "US"}
# what people write into a series' name, however short, as series_listing puts it
DESCRIPTIONS = re.compile(r"(SeriesDescription ).*(?=; split)", re.DOTALL)
# a quotation or a bracket may hold texts of headers; one that holds the status of an answer does not
QUOTED = re.compile(r"[\\\"'\[]|\((?!\d{3} [A-Za-z -]+\))")


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


def without_identities(message: str, study: Study, case_id: str) -> str:
    """Return ``message`` about ``study``, a path or address, without anything that could identify the patient.

    The path becomes ``case_id``. The names of folders and files that lead to it or lie in it, and the texts of their
    DICOM headers, become ``[removed]``. If a header cannot be read, its texts are unknown; then only the words before
    the first bracket or quotation remain. The same holds for an address, whose server and UIDs are removed too.
    """
    if isinstance(study, str):
        return _without_address(message, study, case_id)
    words = _names(study)
    message = DESCRIPTIONS.sub(rf"\1{REMOVED}", _without_path(message, study, case_id))
    try:
        for file in _files(study):
            words.update(_texts(file))
    except Exception:
        message = _plain_words(message, re.compile(r"[\\(\"'\[]"))
    return _without_words(message, words)


def without_names(message: str, study: Study, case_id: str) -> str:
    """Return ``message``, which holds no text of a header, without the path or address and names of files."""
    if isinstance(study, str):
        return message.replace(study, case_id)
    return _without_words(_without_path(message, study, case_id), _names(study))


def _without_path(message: str, path: Path, case_id: str) -> str:
    for whole in sorted({str(path), str(path.absolute())}, key=len, reverse=True):
        message = message.replace(whole, case_id)
    return message


def _names(path: Path) -> set[str]:
    """Return the names of the folders and files that lead to ``path`` or lie in it, with and without suffix."""
    names = {*path.absolute().parts, *(each.name for each in _files(path))}
    return names | {name.split(".")[0] for name in names}


def _without_address(message: str, address: str, case_id: str) -> str:
    """Return ``message`` without ``address``, its parts, and what a server or a header may have put into it."""
    parts = urlsplit(address)
    words = {parts.netloc, parts.hostname or "", *re.findall(r"[\d.]{6,}", parts.path)}
    return _without_words(_plain_words(message.replace(address, case_id), QUOTED), words)


def _plain_words(message: str, quoted: re.Pattern[str]) -> str:
    """Return the words before the first match of ``quoted``."""
    return quoted.split(message)[0].rstrip(" ,;:")


def _without_words(message: str, words: Iterable[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        for spelling in {word, repr(word)[1:-1]}:
            if len(spelling) >= SHORTEST and spelling in message:
                message = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", REMOVED, message)
    return message


def _files(path: Path) -> list[Path]:
    """Return the files of a study; none where they cannot be looked at."""
    try:
        if path.is_dir():
            return [each for each in sorted(path.iterdir()) if each.is_file()]
        return [path] if path.exists() else []
    except OSError:
        return []


def _texts(file: Path) -> set[str]:
    """Return the texts in the header of ``file``; none if it is not DICOM."""
    from pydicom import dcmread

    if not is_dicom_file(file):
        return set()
    return {text for element in _elements(dcmread(file, stop_before_pixels=True)) for text in _parts(element)}


def _elements(tags: Dataset) -> Iterator[DataElement]:
    for element in tags:
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item)
        else:
            yield element


def _parts(element: DataElement) -> set[str]:
    """Return the values of ``element``, and the parts of names."""
    if element.VR in HARMLESS or element.value is None:
        return set()
    values = element.value if isinstance(element.value, (list, tuple)) or element.VM > 1 else [element.value]
    texts = {each.decode("latin-1") if isinstance(each, bytes) else str(each) for each in values}
    return texts | {part for text in texts for part in re.split(r"[\^=\\]", text)}
