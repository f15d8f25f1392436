"""Turn Label Studio's full JSON export into verdicts; JSON_MIN and CSV drop the slice numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from monai_das.review.agreement import ReaderAgreement, agreement_between_readers
from monai_das.review.judged import judged_answer
from monai_das.review.labelling import ADDED, CLASS, KEY_FRAMES, NOTE, QUALITY, SELECTED, UNSURE, VERDICT, VERDICTS
from monai_das.review.problems import PulledVerdicts, ReviewProblem, ToldVerdict
from monai_das.review.verdicts import ReaderVerdict

NEEDED = ("case", "classes", "slice_indices", "total_slices", "kind", "answers")
LEAST_SECONDS = 2.0  # at the page; nobody reads a case in less
PREDICTED = "prediction"  # the origin of a row that the reader left as the model had it
LEFT_OUT = "the answer is left out"

Row = Mapping[str, Any]


class _Fault(NamedTuple):
    """What is wrong with an answer, and what the reader wrote."""

    what: str
    text: str | None = None


def exported_verdicts(
    tasks: Iterable[Mapping[str, Any]], project: int | None = None, least_seconds: float = LEAST_SECONDS
) -> PulledVerdicts:
    """Return the verdicts in ``tasks``, and what is wrong with others; skipped tasks count as not read.

    No fault stops the others. A word that is no slice number, and a slice of which one answer says both, are left out
    of it. An answer is left out whole if its class is none of the task's or missing, if it does not fit its task, or if
    nothing was looked at: the reader touched nothing, or was at the page for less than ``least_seconds``. Verdicts on
    slices that the page had preset, and that the reader left so, do not count.

    Readers are ``reader-N`` with the server's number N; their names and addresses are dropped. ``model`` is the one
    whose prediction the reader saw.

    Args:
        tasks: from :meth:`~monai_das.review.LabelStudioClient.export`.
        project: number of the project, for :class:`ReviewProblem`.
        least_seconds: answers through the API have no time and are never too quick.
    """
    told: list[ToldVerdict] = []
    problems: list[ReviewProblem] = []
    for task in tasks:
        place = f"{'' if project is None else f'project {project}, '}task {task.get('id')}"
        data = task.get("data", {})
        missing = [name for name in NEEDED if name not in data]
        if missing:
            what = f"not made by monai-das review push, its data lack {', '.join(missing)}; it is passed over"
            problems.append(ReviewProblem(place, what))
            continue
        for answer in task.get("annotations", []):
            reader = _reader(answer.get("completed_by"))
            verdict, faults = _read(task, reader, answer, least_seconds)
            problems += [ReviewProblem(place, fault.what, str(data["case"]), reader, fault.text) for fault in faults]
            if verdict is not None:
                told.append(ToldVerdict(place, verdict))
    return PulledVerdicts(told, problems)


def _reader(completed_by: Any) -> str:
    """Return the pseudonym of the reader, given as a number or as an object that holds it."""
    return f"reader-{completed_by.get('id') if isinstance(completed_by, Mapping) else completed_by}"


def _read(
    task: Mapping[str, Any], reader: str, answer: Mapping[str, Any], least_seconds: float
) -> tuple[ReaderVerdict | None, list[_Fault]]:
    """Return the verdict in ``answer``, None for a skipped one or one that is left out, and its faults."""
    if answer.get("was_cancelled"):
        return None, []
    faults: list[_Fault] = []
    try:
        fault = _not_looked_at(answer, least_seconds)
        if fault is None:
            return _verdict({**task["data"], **judged_answer(task, answer)}, reader, answer, faults), faults
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        known = isinstance(error, ValueError)
        fault = _Fault(f"{error if known else f'the answer cannot be read ({error!r})'}; {LEFT_OUT}")
    return None, [fault]


def _not_looked_at(answer: Mapping[str, Any], least_seconds: float) -> _Fault | None:
    seconds, rows = answer.get("lead_time"), answer["result"]
    if seconds is not None and float(seconds) < least_seconds:
        return _Fault(f"nothing was looked at: submitted after {float(seconds):.1f} s; {LEFT_OUT}")
    if rows and all(row.get("origin") == PREDICTED for row in rows):
        return _Fault(f"nothing was looked at: the reader touched nothing of what the model had said; {LEFT_OUT}")
    return None


def _verdict(data: Mapping[str, Any], reader: str, answer: Mapping[str, Any], faults: list[_Fault]) -> ReaderVerdict:
    rows: dict[str, list[Row]] = {}
    for row in answer["result"]:
        rows.setdefault(row.get("from_name", ""), []).append(row)
    name = _class(data, rows.get(CLASS, []))
    confirmed, rejected, added = (_of_clip if data["kind"] == "clip" else _of_volume)(data, rows, faults)
    quality = next((int(row["value"]["rating"]) for row in rows.get(QUALITY, [])), None)
    return ReaderVerdict(
        case_id=str(data["case"]),
        label=None if name == UNSURE else data["classes"].index(name),
        label_name=name,
        slices_confirmed=tuple(sorted(confirmed)),
        slices_rejected=tuple(sorted(rejected)),
        slices_added=tuple(sorted(added)),
        reviewer=reader,
        reviewed_at=str(answer["updated_at"]),
        quality=quality,
        note=_text(rows.get(NOTE, [])) or None,
        model=data["model"],
        group=data.get("group"),
    )


def _class(data: Mapping[str, Any], rows: list[Row]) -> str:
    names = sorted({str(name) for row in rows for name in row["value"]["choices"]})
    if not names:
        raise ValueError("no class was given")
    if len(names) > 1:
        raise ValueError(f"the answer has the classes {' and '.join(names)}, a case has one")
    if names[0] not in (*data["classes"], UNSURE):
        raise ValueError(f"the answer has the class {names[0]!r}, the task {', '.join(data['classes'])}")
    return names[0]


def _of_volume(
    data: Mapping[str, Any], rows: Mapping[str, list[Row]], faults: list[_Fault]
) -> tuple[set[int], set[int], set[int]]:
    """Return confirmed, rejected and added slices; an informative slice that was shown but not selected is added."""
    selected = set(data["chosen"])
    liked, rejected = _said(data, rows.get(VERDICT, []), faults)
    written = _text(rows.get(ADDED, []))
    wished, wrong = _numbers(written, data["total_slices"])
    if wrong:
        known = f"slices are numbered 0 to {data['total_slices'] - 1}, write 3, 12-15"
        words = "1 word is no slice" if len(wrong) == 1 else f"{len(wrong)} words are no slices"
        faults.append(_Fault(f"of the slices wished for {words}; {known}; left out", written))
    for index in sorted(rejected & wished):
        faults.append(_Fault(f"slice {index} is rejected and wished for; neither counts", written))
    both = rejected & wished
    added = (liked - selected) | (wished - both)
    return liked & selected, rejected - both, added - selected


def _said(data: Mapping[str, Any], rows: list[Row], faults: list[_Fault]) -> tuple[set[int], set[int]]:
    """Return the slices that the reader called informative, and those called anything else."""
    shown = data["slice_indices"]
    said: dict[int, set[str]] = {}
    for row in rows:
        place = row["item_index"]
        if not 0 <= place < len(shown):
            raise ValueError(f"picture {place + 1} has a verdict, the task shows {len(shown)}")
        if row.get("origin") != PREDICTED:
            said.setdefault(int(shown[place]), set()).add(row["value"]["choices"][0])
    return _liked_and_rejected(said, "slice", faults)


def _liked_and_rejected(said: Mapping[int, set[str]], noun: str, faults: list[_Fault]) -> tuple[set[int], set[int]]:
    for index, words in sorted(said.items()):
        if len(words) > 1:
            faults.append(_Fault(f"{noun} {index} is called {' and '.join(sorted(words))}; neither counts"))
    clear = {index: next(iter(words)) for index, words in said.items() if len(words) == 1}
    liked = {index for index, word in clear.items() if word == VERDICTS[0]}
    return liked, set(clear) - liked


def _of_clip(
    data: Mapping[str, Any], rows: Mapping[str, list[Row]], faults: list[_Fault]
) -> tuple[set[int], set[int], set[int]]:
    """Return confirmed, rejected and added frames.

    Only labels of the reader count: a mark of the model is no verdict, whether it stays, moves or is deleted.
    """
    said: dict[int, set[str]] = {}
    total = data["total_slices"]
    for row in rows.get(KEY_FRAMES, []):
        (word,) = row["value"]["timelinelabels"]
        for span in () if word == SELECTED else row["value"]["ranges"]:
            first, last = int(span["start"]), int(span["end"])
            if 1 <= first <= last <= total:
                for index in range(first - 1, last):  # Label Studio counts from 1, both ends included
                    said.setdefault(index, set()).add(word)
            else:
                faults.append(_Fault(f"frames {first} to {last} are marked, the clip has {total}; left out"))
    selected = set(data["chosen"])
    liked, rejected = _liked_and_rejected(said, "index", faults)
    return liked & selected, rejected, liked - selected


def _text(rows: list[Row]) -> str:
    texts = [row["value"]["text"] for row in rows]
    return "\n".join(text if isinstance(text, str) else "\n".join(text) for text in texts).strip()


def _numbers(text: str, total: int) -> tuple[set[int], list[str]]:
    """Return the slice numbers in ``text``, such as ``3, 12-15``, and the words that are none."""
    found: set[int] = set()
    wrong = []
    for word in filter(None, re.split(r"[\s,;]+", re.sub(r"\s*[-\u2013]\s*", "-", text))):
        match = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", word)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first <= last < total:
            found |= set(range(first, last + 1))
        else:
            wrong.append(word)
    return found, wrong


def verdict_agreement(verdicts: Iterable[ReaderVerdict]) -> ReaderAgreement:
    """Return the agreement of the readers of ``verdicts`` on classes and on informative slices.

    Cases are joined by their id, whatever project or model they were read in; of several verdicts of one reader on a
    case the latest counts. Intervals are over patients.
    """
    classes: dict[Any, dict[str, str]] = {}
    slices: dict[Any, dict[str, str]] = {}
    owners: dict[Any, str] = {}
    for each in sorted(verdicts, key=lambda each: each.reviewed_at):
        classes.setdefault(each.case_id, {})[each.reviewer] = each.label_name
        owners[each.case_id] = each.group or each.case_id
        for index, word in _slice_words(each):
            slices.setdefault((each.case_id, index), {})[each.reviewer] = word
    return agreement_between_readers(classes, slices, owners)


def _slice_words(verdict: ReaderVerdict) -> Iterator[tuple[int, str]]:
    for index in (*verdict.slices_confirmed, *verdict.slices_added):
        yield index, VERDICTS[0]
    for index in verdict.slices_rejected:
        yield index, VERDICTS[1]


def with_images(verdicts: Iterable[ReaderVerdict], cases: Mapping[str, Path]) -> list[ReaderVerdict]:
    """Return ``verdicts`` with the path of each case, from :func:`~monai_das.review.case_paths`."""
    return [replace(each, image=str(cases[each.case_id].resolve())) for each in verdicts]
