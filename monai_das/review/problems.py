"""What is wrong with readers' answers: each fault is said, and everything else counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from monai_das.review.verdicts import ReaderVerdict

ANSWER = ("label", "label_name", "slices_confirmed", "slices_rejected", "slices_added", "quality", "note")


@dataclass(frozen=True)
class ReviewProblem:
    """A fault in what a reader said.

    Attributes:
        place: the task (``project 1, task 7``) or the file.
        what: the fault, and what was done about it.
        case_id: id of the case, None if not known.
        reviewer: pseudonym of the reader, None if not known.
        text: what the reader wrote, None where it is nothing written.
    """

    place: str
    what: str
    case_id: str | None = None
    reviewer: str | None = None
    text: str | None = None

    def __str__(self) -> str:
        about = ", ".join(each for each in (self.case_id, self.reviewer) if each)
        return f"{self.place}{f' ({about})' if about else ''}: {self.what}"

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a dictionary that JSON can hold."""
        return asdict(self)


class ToldVerdict(NamedTuple):
    """A verdict, and where it was given; ``replaces``: a later one of the same reader replaces it, as meant."""

    place: str
    verdict: ReaderVerdict
    replaces: bool = False


class PulledVerdicts(NamedTuple):
    """Verdicts, each with its place, and what was wrong with others."""

    told: list[ToldVerdict]
    problems: list[ReviewProblem]


def joined_verdicts(
    parts: Iterable[PulledVerdicts], classes: Sequence[str] | None = None
) -> tuple[list[ReaderVerdict], list[ReviewProblem]]:
    """Return the verdicts of several projects and files, each reader's latest on each case and model, and problems.

    An answer that was given twice, or that a later one contradicts, is a problem; so is a class that is not in
    ``classes``, or whose number other verdicts give to another class.

    Args:
        parts: from :func:`~monai_das.review.exported_verdicts` and :func:`~monai_das.review.page_verdicts`.
        classes: the model's, in the order of their numbers; None: what most verdicts call them.
    """
    pulled = list(parts)
    told, problems = _of_known_classes([each for part in pulled for each in part.told], classes)
    latest, repeated = _latest(told)
    before = [each for part in pulled for each in part.problems]
    return [each.verdict for each in latest], before + problems + repeated


def _of_known_classes(
    told: Sequence[ToldVerdict], classes: Sequence[str] | None
) -> tuple[list[ToldVerdict], list[ReviewProblem]]:
    names = dict(enumerate(classes)) if classes is not None else _usual_names(told)
    kept, problems = [], []
    for each in told:
        verdict = each.verdict
        if verdict.label is None or names.get(verdict.label) == verdict.label_name:
            kept.append(each)
            continue
        known = ", ".join(f"{number} {name}" for number, name in sorted(names.items()))
        what = f"the class {verdict.label} {verdict.label_name!r} is none of {known}; the answer is left out"
        problems.append(_problem(each, what, verdict.label_name))
    return kept, problems


def _usual_names(told: Iterable[ToldVerdict]) -> Mapping[int, str]:
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in told:
        if each.verdict.label is not None:
            counts[each.verdict.label][each.verdict.label_name] += 1
    return {label: max(sorted(names), key=lambda name: names[name]) for label, names in counts.items()}


def _latest(told: Sequence[ToldVerdict]) -> tuple[list[ToldVerdict], list[ReviewProblem]]:
    """Return the latest verdict of each reader on each case and model, and what is to be said of the others."""
    answers: dict[tuple[Any, ...], list[ToldVerdict]] = defaultdict(list)
    for each in sorted(told, key=lambda each: each.verdict.reviewed_at):
        answers[each.verdict.case_id, each.verdict.reviewer, each.verdict.model.get("weights_sha256")].append(each)
    problems = []
    for given in answers.values():
        last = given[-1]
        for before in given[:-1]:
            same = _answer(before.verdict) == _answer(last.verdict)
            if before.replaces and last.replaces and before.verdict.reviewed_at != last.verdict.reviewed_at:
                continue
            there = "" if before.place == last.place else f" (the other: {last.place})"
            what = "the same answer was given twice" if same else "the reader contradicts this answer by a later one"
            problems.append(_problem(before, f"{what}{there}; the latest counts"))
    kept = {id(given[-1]) for given in answers.values()}
    return [each for each in told if id(each) in kept], problems


def _answer(verdict: ReaderVerdict) -> tuple[Any, ...]:
    return tuple(getattr(verdict, name) for name in ANSWER)


def _problem(told: ToldVerdict, what: str, text: str | None = None) -> ReviewProblem:
    return ReviewProblem(told.place, what, told.verdict.case_id, told.verdict.reviewer, text)
