"""Which model, and which selection of it, an answer of a reader is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def judged_answer(task: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``model``, ``chosen`` (indices of slices) and ``label`` (None if readers were blind) that were judged.

    It is the prediction that the reader started from. Where there was none (readers were blind, the page was opened
    empty, or the answer came by the API), it is the prediction that Label Studio has noted beside the answer, else the
    last one that had been pushed before the reader began.

    Args:
        task: with its data and its predictions.
        answer: one of its annotations.
    """
    predictions = {each["id"]: each for each in task.get("predictions", []) if isinstance(each, Mapping)}
    for prediction in (predictions.get(answer.get("parent_prediction")), answer.get("prediction")):
        rows = (prediction or {}).get("result") or [{}]
        if "answer" in rows[0]:
            return _as_judged(rows[0]["answer"])
    answers = task["data"]["answers"]
    begun = _begun(answer)
    earlier = [each for each in answers if _time(each["pushed_at"]) <= begun]
    return _as_judged((earlier or answers[:1])[-1])


def _as_judged(answer: Mapping[str, Any]) -> dict[str, Any]:
    chosen = [int(each["index"]) for each in answer["slices"]]
    return {"model": answer["model"], "label": answer.get("label"), "chosen": chosen}


def _begun(answer: Mapping[str, Any]) -> datetime:
    """Return when the reader began: the time of the answer or its first draft, less the time spent on it."""
    first = _time(answer.get("draft_created_at") or answer.get("created_at") or answer["updated_at"])
    return first - timedelta(seconds=answer.get("lead_time") or 0)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
