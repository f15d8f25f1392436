"""The MONAI datalist that carries verdicts to training, and the files of verdicts that pages save."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from monai_das.reports import write_object
from monai_das.review.agreement import ReaderAgreement
from monai_das.review.consensus import ReaderDisagreement
from monai_das.review.problems import PulledVerdicts, ReviewProblem, ToldVerdict
from monai_das.review.verdicts import ReaderVerdict


def write_verdicts(
    verdicts: Iterable[ReaderVerdict],
    agreement: ReaderAgreement,
    path: Path,
    *,
    problems: Sequence[ReviewProblem] = (),
    disagreements: Sequence[ReaderDisagreement] | None = None,
) -> None:
    """Write the MONAI datalist of ``verdicts`` to ``path`` as JSON, whole or not at all: one entry for each of them.

    ``training`` holds entries with a label; ``unsure`` holds entries without one, which no loss can use. ``agreement``,
    ``problems`` and, after a consensus, ``disagreements`` say what else was found.
    """
    entries = [verdict.to_dict() for verdict in verdicts]
    content: dict[str, Any] = {
        "training": [entry for entry in entries if entry["label"] is not None],
        "unsure": [entry for entry in entries if entry["label"] is None],
        "agreement": agreement.to_dict(),
        "problems": [problem.to_dict() for problem in problems],
    }
    if disagreements is not None:
        content["disagreements"] = [each.to_dict() for each in disagreements]
    write_object(content, path)


def read_verdicts(*paths: Path) -> list[ReaderVerdict]:
    """Read files of :func:`write_verdicts`, or files that pages of ``monai-das predict --report html`` saved.

    Both hold ``{"training": [...], "unsure": [...]}``, each entry in the form of :meth:`ReaderVerdict.to_dict`. Of
    several verdicts of one reader on one case and model, the latest counts: a page that is saved again replaces.

    Raises:
        FileNotFoundError: a file does not exist.
        ValueError: it is not such a file.
    """
    verdicts = [ReaderVerdict.from_dict(entry) for path in paths for entry in _checked_entries(path)]
    latest = {_told(each): each for each in sorted(verdicts, key=lambda each: each.reviewed_at)}
    return [each for each in verdicts if latest[_told(each)] is each]


def page_verdicts(paths: Sequence[Path]) -> PulledVerdicts:
    """Read what pages of ``monai-das predict --report html`` saved; a fault in one stops no other.

    Raises:
        OSError: a file cannot be read.
    """
    found = [_page(path) for path in paths]
    told = [each for part in found for each in part.told]
    return PulledVerdicts(told, [each for part in found for each in part.problems])


def _page(path: Path) -> PulledVerdicts:
    told, problems = [], []
    try:
        entries = _entries(path)
    except ValueError as error:
        return PulledVerdicts([], [ReviewProblem(str(path), f"{error}; it is passed over")])
    for entry in entries:
        try:
            verdict = ReaderVerdict.from_dict(entry)
            if not verdict.reviewer.strip():
                raise ValueError("reviewer is empty; write a pseudonym")
        except (ValueError, TypeError, AttributeError) as error:
            case = str(entry["case_id"]) if isinstance(entry, dict) and "case_id" in entry else None
            problems.append(ReviewProblem(str(path), f"{error}; the verdict is left out", case))
            continue
        clear, doubtful = _without_contradictions(verdict)
        who = (verdict.case_id, verdict.reviewer)
        problems += [ReviewProblem(str(path), f"slice {n} is both wanted and rejected; neither counts", *who)
                     for n in doubtful]  # fmt: skip
        told.append(ToldVerdict(str(path), clear, replaces=True))
    return PulledVerdicts(told, problems)


def _without_contradictions(verdict: ReaderVerdict) -> tuple[ReaderVerdict, list[int]]:
    """Return the verdict without the slices of which it says both, and these."""
    both = {*verdict.slices_confirmed, *verdict.slices_added} & {*verdict.slices_rejected}
    names = ("slices_confirmed", "slices_rejected", "slices_added")
    kept = {name: tuple(index for index in getattr(verdict, name) if index not in both) for name in names}
    return replace(verdict, **kept), sorted(both)  # type: ignore[arg-type]


def _told(verdict: ReaderVerdict) -> tuple[str, str, str | None]:
    """Return who said it of which case and model."""
    return verdict.case_id, verdict.reviewer, verdict.model.get("weights_sha256")


def _entries(path: Path) -> list[Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [*content["training"], *content.get("unsure", [])]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} holds no verdicts ({error}); give what pull or the HTML report saved") from error


def _checked_entries(path: Path) -> list[Any]:
    entries = _entries(path)
    try:
        for entry in entries:
            ReaderVerdict.from_dict(entry)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} holds no verdicts ({error}); give what pull or the HTML report saved") from error
    return entries
