"""Agreement of readers beyond chance, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_das.metrics import MeasureEstimate, case_weights, estimate_figures, interval_of
from monai_das.metrics.bootstrap import DRAWS
from monai_das.metrics.measures import Array, Labels

Ratings = Mapping[Hashable, Mapping[str, str]]
"""Of each item what each reader said."""
NAMES = {"cohen": "Cohen's", "fleiss": "Fleiss'"}


@dataclass(frozen=True)
class ReaderAgreement:
    """Agreement on classes, and on whether slices are informative; None if no two readers saw the same.

    Attributes:
        class_kappa: over cases, with its 95 % interval (bootstrap over patients).
        slice_kappa: over slices of cases, with its 95 % interval (bootstrap over patients).
        kind: ``"cohen"`` for two readers in all, ``"fleiss"`` for more, else None.
        cases: how many cases two or more readers saw.
    """

    class_kappa: MeasureEstimate | None
    slice_kappa: MeasureEstimate | None
    kind: str | None
    cases: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the figures to four digits, as JSON can hold them; None where there is none."""
        nothing = MeasureEstimate(float("nan"), float("nan"), float("nan"))
        figures: dict[str, Any] = {"kind": self.kind, "cases": self.cases}
        figures |= estimate_figures("class_kappa", self.class_kappa or nothing)
        return figures | estimate_figures("slice_kappa", self.slice_kappa or nothing)

    def __str__(self) -> str:
        if self.kind is None:
            return "no two readers saw the same case"
        kappas = {"classes": self.class_kappa, "slices": self.slice_kappa}
        words = [f"of {name} {_shown(value)}" for name, value in kappas.items() if value is not None]
        return f"{self.cases} cases seen by two or more; {NAMES[self.kind]} kappa {', '.join(words)}"


def _shown(value: MeasureEstimate) -> str:
    known = value.low == value.low
    return f"{value.value:.3f} (95 % {value.low:.3f} to {value.high:.3f})" if known else f"{value.value:.3f}"


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Cohen's kappa of two readers; 1 if both always gave the same single answer.

    References:
        Cohen, *A coefficient of agreement for nominal scales*, Educ. Psychol. Meas. 20, 1960.

    Example:
        >>> cohen_kappa(["a", "a", "b", "b"], ["a", "b", "b", "b"])
        0.5
    """
    counts, kappa = _cohen(list(zip(first, second, strict=True)))
    return _settled(kappa(counts.sum(axis=0, keepdims=True)))


def fleiss_kappa(items: Sequence[Sequence[str]]) -> float:
    """Return Fleiss' kappa of items with the same number (two or more) of ratings each.

    References:
        Fleiss, *Measuring nominal scale agreement among many raters*, Psychol. Bull. 76, 1971.

    Example:
        >>> fleiss_kappa([["a", "a", "a"], ["b", "b", "b"]])
        1.0
    """
    counts, kappa = _fleiss(items)
    return _settled(kappa(counts.sum(axis=0, keepdims=True)))


def agreement_between_readers(
    classes: Ratings, slices: Ratings, owners: Mapping[Hashable, Hashable] | None = None
) -> ReaderAgreement:
    """Return the agreement on ``classes`` (by case) and ``slices`` (by case and slice).

    Fleiss' kappa needs the same number of ratings for each item. It is the number, at least two, that most items have.

    Args:
        classes: of each case what each reader said.
        slices: the same of each ``(case, slice)``.
        owners: the patient of each case, whom the bootstrap draws whole; a case without one stands for its patient.
    """
    readers = sorted({reader for said in classes.values() for reader in said})
    shared = sum(len(said) > 1 for said in classes.values())
    if len(readers) < 2 or not shared:
        return ReaderAgreement(None, None, None)
    kind, known = "cohen" if len(readers) == 2 else "fleiss", owners or {}
    return ReaderAgreement(
        _kappa(classes, readers, kind, {case: known.get(case, case) for case in classes}),
        _kappa(slices, readers, kind, {item: known.get(item[0], item[0]) for item in slices}),  # type: ignore[index]
        kind,
        shared,
    )


def _kappa(
    ratings: Ratings, readers: Sequence[str], kind: str, owners: Mapping[Hashable, Hashable]
) -> MeasureEstimate | None:
    shared = {item: said for item, said in ratings.items() if len(said) > 1}
    if not shared:
        return None
    if kind == "cohen":
        counts, kappa = _cohen([(said[readers[0]], said[readers[1]]) for said in shared.values()])
    else:
        usual = Counter(map(len, shared.values())).most_common(1)[0][0]
        shared = {item: said for item, said in shared.items() if len(said) == usual}
        counts, kappa = _fleiss([list(said.values()) for said in shared.values()])
    _, member = np.unique([str(owners[item]) for item in shared], return_inverse=True)
    of_owner = np.zeros((int(member.max()) + 1, counts.shape[1]))
    np.add.at(of_owner, member, counts)
    alike: Labels = np.zeros(len(of_owner), np.int64)
    # one patient alone says nothing about others
    samples = kappa(case_weights(alike, DRAWS) @ of_owner) if len(of_owner) > 1 else np.array([np.nan])
    return MeasureEstimate(_settled(kappa(counts.sum(axis=0, keepdims=True))), *interval_of(samples))


def _cohen(pairs: Sequence[tuple[str, str]]) -> tuple[Array, Callable[[Array], Array]]:
    """Return for each item its cell of the table of K x K classes, ``(N, K * K)``, and kappa of sums of them."""
    names = sorted({name for pair in pairs for name in pair})
    size = len(names)
    counts = np.zeros((len(pairs), size * size))
    for row, (one, other) in enumerate(pairs):
        counts[row, names.index(one) * size + names.index(other)] = 1.0

    def kappa(sums: Array) -> Array:
        tables = sums.reshape(-1, size, size)
        total = tables.sum(axis=(1, 2))
        expected = (tables.sum(axis=1) * tables.sum(axis=2)).sum(axis=1) / total**2
        return _beyond_chance(tables.trace(axis1=1, axis2=2) / total, expected)

    return counts, kappa


def _fleiss(items: Sequence[Sequence[str]]) -> tuple[Array, Callable[[Array], Array]]:
    """Return for each item its agreeing pairs and how often it got each class, ``(N, 1 + K)``, and kappa of sums."""
    names = sorted({name for item in items for name in item})
    raters = len(items[0])
    counts = np.array([[item.count(name) for name in names] for item in map(list, items)], dtype=np.float64)
    agreeing = (counts * (counts - 1.0)).sum(axis=1, keepdims=True)

    def kappa(sums: Array) -> Array:
        ratings = sums[:, 1:].sum(axis=1)
        expected: Array = (sums[:, 1:] ** 2).sum(axis=1) / ratings**2
        return _beyond_chance(sums[:, 0] / (ratings * (raters - 1)), expected)

    return np.concatenate((agreeing, counts), axis=1), kappa


def _beyond_chance(observed: Array, expected: Array) -> Array:
    """Return kappa; NaN where only one answer was ever given, which says nothing about agreement."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Array = np.where(expected == 1.0, np.nan, (observed - expected) / (1.0 - expected))
    return found


def _settled(kappa: Array) -> float:
    """Return the one value; 1 where all always gave the same single answer."""
    return 1.0 if np.isnan(kappa[0]) else float(kappa[0])
