"""Agreement of readers beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Ratings = Mapping[object, Mapping[str, str]]
"""Of each item what each reader said."""


@dataclass(frozen=True)
class ReaderAgreement:
    """Agreement on classes, and on whether slices are informative; None if no two readers saw the same.

    Attributes:
        class_kappa: over cases.
        slice_kappa: over slices of cases.
        kind: ``"cohen"`` for two readers in all, ``"fleiss"`` for more, else None.
    """

    class_kappa: float | None
    slice_kappa: float | None
    kind: str | None


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Cohen's kappa of two readers; 1 if both always gave the same single answer.

    References:
        Cohen, *A coefficient of agreement for nominal scales*, Educ. Psychol. Meas. 20, 1960.

    Example:
        >>> cohen_kappa(["a", "a", "b", "b"], ["a", "b", "b", "b"])
        0.5
    """
    observed = sum(one == other for one, other in zip(first, second, strict=True)) / len(first)
    counts = Counter(first), Counter(second)
    expected = sum(counts[0][name] * counts[1][name] for name in counts[0]) / len(first) ** 2
    return 1.0 if expected == 1.0 else (observed - expected) / (1.0 - expected)


def fleiss_kappa(items: Sequence[Sequence[str]]) -> float:
    """Return Fleiss' kappa of items with the same number (two or more) of ratings each.

    References:
        Fleiss, *Measuring nominal scale agreement among many raters*, Psychol. Bull. 76, 1971.

    Example:
        >>> fleiss_kappa([["a", "a", "a"], ["b", "b", "b"]])
        1.0
    """
    raters = len(items[0])
    pairs = [sum(n * (n - 1) for n in Counter(item).values()) for item in items]
    observed = sum(pairs) / (len(items) * raters * (raters - 1))
    shares = [n / (len(items) * raters) for n in Counter(name for item in items for name in item).values()]
    expected = sum(share**2 for share in shares)
    return 1.0 if expected == 1.0 else (observed - expected) / (1.0 - expected)


def agreement_between_readers(classes: Ratings, slices: Ratings) -> ReaderAgreement:
    """Return the agreement on ``classes`` (by case) and ``slices`` (by case and slice).

    Fleiss' kappa needs the same number of ratings for each item. It is the number, at least two, that most items have.
    """
    readers = {reader for said in classes.values() for reader in said}
    if len(readers) < 2 or all(len(said) < 2 for said in classes.values()):
        return ReaderAgreement(None, None, None)
    kind = "cohen" if len(readers) == 2 else "fleiss"
    return ReaderAgreement(_kappa(classes, sorted(readers), kind), _kappa(slices, sorted(readers), kind), kind)


def _kappa(ratings: Ratings, readers: Sequence[str], kind: str) -> float | None:
    shared = [said for said in ratings.values() if len(said) > 1]
    if not shared:
        return None
    if kind == "cohen":
        return cohen_kappa(*([said[reader] for said in shared] for reader in readers))
    usual = Counter(map(len, shared)).most_common(1)[0][0]
    return fleiss_kappa([list(said.values()) for said in shared if len(said) == usual])
