"""Turn Label Studio's full JSON export into verdicts; JSON_MIN and CSV drop the slice numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from monai_das.review.agreement import ReaderAgreement, agreement_between_readers
from monai_das.review.labelling import ADDED, CLASS, KEY_FRAMES, NOTE, QUALITY, UNSURE, VERDICT, VERDICTS
from monai_das.review.verdicts import ReaderVerdict

NEEDED = ("case", "classes", "label", "slice_indices", "chosen", "total_slices", "model", "kind", "key")


def exported_verdicts(tasks: Iterable[Mapping[str, Any]]) -> list[ReaderVerdict]:
    """Return the verdicts in ``tasks``, each reader's latest answer to each task; skipped tasks count as not read.

    Readers are ``reader-N`` with the server's number N; their names and addresses are dropped.

    Raises:
        ValueError: a task is not ours, or an answer names a slice or class that the task does not have.
    """
    found = []
    for task in tasks:
        data = task.get("data", {})
        missing = [name for name in NEEDED if name not in data]
        if missing:
            raise ValueError(
                f"task {task.get('id')}: not made by monai-das review push, its data lack {', '.join(missing)}"
            )
        latest: dict[str, Mapping[str, Any]] = {}
        for answer in sorted(task.get("annotations", []), key=lambda each: str(each["updated_at"])):
            if not answer.get("was_cancelled"):
                latest[_reader(answer["completed_by"])] = answer
        try:
            found += [_verdict(data, reader, answer) for reader, answer in sorted(latest.items())]
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"task {task.get('id')} ({data['case']}): {error}") from error
    return found


def _reader(completed_by: Any) -> str:
    """Return the pseudonym of the reader, given as a number or as an object that holds it."""
    return f"reader-{completed_by['id'] if isinstance(completed_by, Mapping) else completed_by}"


def _verdict(data: Mapping[str, Any], reader: str, answer: Mapping[str, Any]) -> ReaderVerdict:
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in answer["result"]:
        rows.setdefault(row.get("from_name", ""), []).append(row)
    name = next((row["value"]["choices"][0] for row in rows.get(CLASS, [])), data["label"])
    if name not in (*data["classes"], UNSURE):
        raise ValueError(f"the answer has the class {name!r}, the task {', '.join(data['classes'])}")
    confirmed, rejected, added = _of_clip(data, rows) if data["kind"] == "clip" else _of_volume(data, rows)
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


def _of_volume(data: Mapping[str, Any], rows: Mapping[str, list[Mapping[str, Any]]]) -> tuple[set[int], ...]:
    """Return confirmed, rejected and added slices; an informative slice that was shown but not selected is added."""
    shown, selected = data["slice_indices"], set(data["chosen"])
    said = {int(shown[row["item_index"]]): row["value"]["choices"][0] for row in rows.get(VERDICT, [])}
    liked = {index for index, verdict in said.items() if verdict == VERDICTS[0]}
    added = (liked - selected) | _numbers(_text(rows.get(ADDED, [])), data["total_slices"])
    rejected = set(said) - liked
    if rejected & added:
        raise ValueError(f"slice {min(rejected & added)} is rejected and wished for; let the reader decide")
    return liked & selected, rejected, added - selected


def _of_clip(data: Mapping[str, Any], rows: Mapping[str, list[Mapping[str, Any]]]) -> tuple[set[int], ...]:
    """Return confirmed, rejected and added frames: marks that stayed, that are gone, and new ones."""
    marked: set[int] = set()
    for row in rows.get(KEY_FRAMES, []):
        for span in row["value"]["ranges"]:
            # Label Studio counts frames from 1, both ends included
            marked |= set(range(int(span["start"]) - 1, int(span["end"])))
    outside = sorted(index for index in marked if not 0 <= index < data["total_slices"])
    if outside:
        raise ValueError(f"frame {outside[0] + 1} is marked, the clip has {data['total_slices']}")
    selected = set(data["chosen"])
    return marked & selected, selected - marked, marked - selected


def _text(rows: list[Mapping[str, Any]]) -> str:
    texts = [row["value"]["text"] for row in rows]
    return "\n".join(text if isinstance(text, str) else "\n".join(text) for text in texts).strip()


def _numbers(text: str, total: int) -> set[int]:
    """Return the slice numbers in ``text``."""
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    wrong = [word for word in words if not (word.isascii() and word.isdigit() and int(word) < total)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is wished for, slices are numbered 0 to {total - 1}")
    return {int(word) for word in words}


def verdict_agreement(verdicts: Iterable[ReaderVerdict]) -> ReaderAgreement:
    """Return the agreement of the readers of ``verdicts`` on classes and on informative slices."""
    classes: dict[object, dict[str, str]] = {}
    slices: dict[object, dict[str, str]] = {}
    for each in verdicts:
        case = (each.case_id, each.model.get("weights_sha256"))
        classes.setdefault(case, {})[each.reviewer] = each.label_name
        for index in (*each.slices_confirmed, *each.slices_added):
            slices.setdefault((case, index), {})[each.reviewer] = "informative"
        for index in each.slices_rejected:
            slices.setdefault((case, index), {})[each.reviewer] = "not informative"
    return agreement_between_readers(classes, slices)


def with_images(verdicts: Iterable[ReaderVerdict], cases: Mapping[str, Path]) -> list[ReaderVerdict]:
    """Return ``verdicts`` with the path of each case, from :func:`~monai_das.review.case_paths`."""
    return [replace(each, image=str(cases[each.case_id].resolve())) for each in verdicts]
