"""What is said of a study: words without identities, and beside them the names of files and the texts of headers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SHOWN = 3
# numbers, dates left out, and UIDs: no text of a header
HARMLESS = re.compile(r"None|[-+]?\d{0,7}(\.\d*)?([eE][-+]?\d+)?|[012](\.\d+){2,}")


class Finding(str):
    """A sentence about a study, for warnings and errors.

    As a text it names files, for whoever opened them. ``plain`` names none: that is what reports, logs and the command
    line show. Texts of headers are in neither, only in ``full``, which ``--include-phi`` shows.

    Args:
        words: the sentence, made of our own words, numbers, tags and UIDs only.
        files: files that it is about; of a path the last part is shown.
        texts: what headers or libraries say about it, in their own words.

    Example:
        >>> found = Finding("2 series; choose one", files=[Path("DOE/a.dcm")], texts=["knee of Jane"])
        >>> print(found)
        2 series; choose one [a.dcm]
        >>> found.plain, found.full
        ('2 series; choose one', "2 series; choose one [a.dcm] ['knee of Jane']")
    """

    plain: str
    files: tuple[str, ...]
    texts: tuple[str, ...]

    def __new__(cls, words: str, files: Iterable[str | Path] = (), texts: Iterable[str] = ()) -> Finding:
        """Return the sentence; arguments as for the class."""
        names = tuple(each.name if isinstance(each, Path) else each for each in files)
        found = super().__new__(cls, f"{words} [{_listed(names)}]" if names else words)
        found.plain, found.files, found.texts = str(words), names, tuple(texts)
        return found

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Return the arguments, for copies and other processes."""
        return self.plain, self.files, self.texts

    @property
    def full(self) -> str:
        """The sentence with names of files and texts of headers."""
        return f"{self} [{_listed([repr(text) for text in self.texts])}]" if self.texts else str(self)


class StudyBaseError(Exception):
    """Abstract: an error about a study, whose words hold no identities.

    Its text is ``name: words [names of files]``. ``finding`` holds the words alone, and texts of headers.

    Args:
        name: path or address of the study, or of the file in it.
        words: as for :class:`Finding`, and so are ``files`` and ``texts``.
    """

    def __init__(self, name: object, words: str, files: Iterable[str | Path] = (), texts: Iterable[str] = ()) -> None:
        self.name, self.finding = str(name), Finding(words, files, texts)
        super().__init__(f"{name}: {self.finding}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes the error again in another process."""
        return type(self), (self.name, *self.finding.__getnewargs__())


class StudyError(StudyBaseError, ValueError):
    """A study that cannot be read, or not without a choice."""


class StudyNotFoundError(StudyBaseError, FileNotFoundError):
    """A path or address with nothing there."""


class ServerRefusalError(StudyBaseError, PermissionError):
    """A server that does not let us in."""


class ServerError(StudyBaseError, OSError):
    """A server that answers with an error."""


class NoConnectionError(StudyBaseError, ConnectionError):
    """A server that cannot be reached."""


class NoAnswerError(StudyBaseError, TimeoutError):
    """A server that does not answer in time."""


def finding_of(error: BaseException) -> Finding | None:
    """Return what our own code says by ``error``: of a study, or as the argument of any error; None for all others.

    Example:
        >>> finding_of(ValueError(Finding("3 channels; convert it"))).plain, finding_of(ValueError("of Jane"))
        ('3 channels; convert it', None)
    """
    known = error.finding if isinstance(error, StudyBaseError) else next(iter(error.args), None)
    return known if isinstance(known, Finding) else None


def plain_text(finding: str) -> str:
    """Return the words of ``finding`` without identities; a text of another kind, made of our own words, as it is."""
    return finding.plain if isinstance(finding, Finding) else finding


def full_text(finding: str) -> str:
    """Return the words of ``finding`` with names of files and texts of headers, as a text."""
    return finding.full if isinstance(finding, Finding) else finding


def harmless(value: str) -> str:
    """Return ``value``, of a tag or an argument, if it is a number or a UID; else only that it is a text."""
    return value if HARMLESS.fullmatch(value) else "a text"


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more
