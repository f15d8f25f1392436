"""One verdict for each case from those of several readers, by majority."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from monai_das.review.labelling import UNSURE
from monai_das.review.verdicts import ReaderVerdict


@dataclass(frozen=True)
class ReaderDisagreement:
    """A case, or a slice of it, of which its readers said different things.

    Attributes:
        case_id: id of the case.
        index: number of the slice; None: it is the class.
        said: what each reader said.
        outcome: what the majority said, None where there is none: the class is then unsure, and the slice has no
            verdict.
    """

    case_id: str
    index: int | None
    said: dict[str, str]
    outcome: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a dictionary that JSON can hold."""
        return asdict(self)


def majority_verdicts(verdicts: Iterable[ReaderVerdict]) -> tuple[list[ReaderVerdict], list[ReaderDisagreement]]:
    """Return one verdict for each case and model, and every disagreement of its readers, resolved or not.

    The class is the one that more than half of the readers gave; "unsure" is an answer too. Without one the case is
    unsure. A slice is wanted or rejected by more than half of the readers who judged it; without them nothing is said
    of it. Quality and notes stay with the readers: the verdict has none.
    """
    cases: dict[tuple[str, str | None], list[ReaderVerdict]] = defaultdict(list)
    for each in verdicts:
        cases[each.case_id, each.model.get("weights_sha256")].append(each)
    found = [_of_case(given) if len(given) > 1 else (given[0], []) for given in cases.values()]
    return [verdict for verdict, _ in found], [each for _, said in found for each in said]


def _of_case(given: Sequence[ReaderVerdict]) -> tuple[ReaderVerdict, list[ReaderDisagreement]]:
    case = given[0].case_id
    classes = {each.reviewer: each.label_name for each in given}
    outcome = _winner(classes)
    apart = [ReaderDisagreement(case, None, classes, outcome)] if len(set(classes.values())) > 1 else []
    selected = {index for each in given for index in each.slices_confirmed}
    wanted: set[int] = set()
    rejected: set[int] = set()
    for index, said in sorted(_slices(given).items()):
        word = _winner(said)
        if len(set(said.values())) > 1:
            apart.append(ReaderDisagreement(case, index, said, word))
        if word is not None:
            (wanted if word == "wanted" else rejected).add(index)
    numbers = {each.label_name: each.label for each in given}
    readers = ", ".join(sorted(classes))
    verdict = replace(
        given[0],
        label=None if outcome is None else numbers[outcome],
        label_name=outcome or UNSURE,
        slices_confirmed=tuple(sorted(wanted & selected)),
        slices_rejected=tuple(sorted(rejected)),
        slices_added=tuple(sorted(wanted - selected)),
        reviewer=f"majority of {readers}",
        reviewed_at=max(each.reviewed_at for each in given),
        quality=None,
        note=None,
    )
    return verdict, apart


def _slices(given: Sequence[ReaderVerdict]) -> dict[int, dict[str, str]]:
    said: dict[int, dict[str, str]] = defaultdict(dict)
    for each in given:
        for index in (*each.slices_confirmed, *each.slices_added):
            said[index][each.reviewer] = "wanted"
        for index in each.slices_rejected:
            said[index][each.reviewer] = "rejected"
    return said


def _winner(said: dict[str, str]) -> str | None:
    """Return what more than half of the readers said."""
    word, count = Counter(said.values()).most_common(1)[0]
    return word if 2 * count > len(said) else None
