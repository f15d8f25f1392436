"""Turn the output of ``monai-das predict`` into Label Studio tasks that show the model's answer."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from monai_das.review.clip import encode_clip
from monai_das.review.labelling import CLASS, CLIP, KEY_FRAME, KEY_FRAMES, KINDS, SLICES, VERDICT, VERDICTS

PNG = "data:image/png;base64,"


def review_tasks(folder: Path, kind: str = "volume", *, every_slice: bool = False) -> Iterator[dict[str, Any]]:
    """Yield one task for each ``folder/<case>`` with ``result.json`` and ``slices.zip``, sorted by case.

    The ids of case and patient are the only identities in a task. A task also holds everything that
    :func:`~monai_das.review.exported_verdicts` needs. Its ``data["key"]`` is equal for the same case and model, its
    ``data["digest"]`` for the same answer.

    Args:
        folder: the output of ``monai-das predict --report json,slices``.
        kind: ``"volume"`` or ``"clip"``.
        every_slice: show all slices of a volume instead of the selected ones.

    Raises:
        FileNotFoundError: ``folder`` holds no result, or a case has no ``slices.zip``.
        ValueError: the kind is unknown, or a file is damaged.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    results = sorted(folder.glob("*/result.json"))
    if not results:
        raise FileNotFoundError(f"{folder}: no case with a result.json; run monai-das predict --report json,slices")
    for path in results:
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            if result["case_id"] != path.parent.name:
                raise ValueError(f"the folder is called {path.parent.name}, its result is of {result['case_id']}")
            yield _task(result, path.with_name("slices.zip"), kind, every_slice)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"{error.filename} is missing; run monai-das predict --report json,slices"
            ) from error
        except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path.parent}: the results cannot be read ({error}); predict the case again") from error


def _task(result: dict[str, Any], pictures: Path, kind: str, every_slice: bool) -> dict[str, Any]:
    selected = [int(each["index"]) for each in result["selected_slices"]]
    shown = list(range(result["total_slices"])) if every_slice else selected
    notices = result.get("notices", [])
    data = {
        "case": result["case_id"],
        "group": result.get("group") or result["case_id"],
        "title": f"{result['case_id']}: {result['label']} ({result['probabilities'][result['label']]:.1%})",
        **({"notices": notices} if notices else {}),
        "captions": "".join(f"{notice}. " for notice in notices) + _captions(result, shown, kind),
        "kind": kind,
        "label": result["label"],
        "classes": list(result["probabilities"]),
        "slice_indices": shown,
        "chosen": selected,
        "slice_refs": result["selected_slices"],
        "scores": result["scores"],
        "total_slices": result["total_slices"],
        "model": result["model"],
    }
    key = f"{kind} {data['case']} {json.dumps(data['model'], sort_keys=True)}"
    data |= {"key": _sha256(key), "digest": _sha256(json.dumps(data, sort_keys=True))}
    with zipfile.ZipFile(pictures) as archive:
        if kind == "clip":
            data["video"] = encode_clip([archive.read(f"{n:04d}.png") for n in range(result["total_slices"])])
        else:
            data["slices"] = [PNG + base64.b64encode(archive.read(f"{n:04d}.png")).decode() for n in shown]
    return {"data": data, "predictions": [task_prediction(result, kind, shown)]}


def task_prediction(result: dict[str, Any], kind: str, shown: Sequence[int]) -> dict[str, Any]:
    """Return the model's answer as a prediction of Label Studio.

    Args:
        result: the case in the form of :func:`~monai_das.reports.as_json`.
        kind: ``"volume"`` or ``"clip"``.
        shown: source index of each picture of the task; a selected slice that is not among them has no verdict.
    """
    score = result["probabilities"][result["label"]]
    target = SLICES if kind == "volume" else CLIP
    rows = [_row(CLASS, target, "choices", {"choices": [result["label"]]}, score)]
    for each in result["selected_slices"]:
        if kind == "clip":
            # Label Studio counts frames from 1
            ranges = [{"start": each["index"] + 1, "end": each["index"] + 1}]
            value = {"ranges": ranges, "timelinelabels": [KEY_FRAME]}
            rows.append(_row(KEY_FRAMES, target, "timelinelabels", value, each["score"]))
        elif each["index"] in shown:
            row = _row(VERDICT, target, "choices", {"choices": [VERDICTS[0]]}, each["score"])
            rows.append({**row, "item_index": list(shown).index(each["index"])})
    return {"model_version": model_version(result["model"]), "score": score, "result": rows}


def model_version(model: dict[str, str]) -> str:
    """Return the name, the version and the first digits of the weights' SHA-256 in one line."""
    return f"{model['name']} {model['version']} {model['weights_sha256'][:12]}"


def _row(name: str, target: str, kind: str, value: dict[str, Any], score: float) -> dict[str, Any]:
    # an id of its own for each row, the same at every push
    identity = _sha256(json.dumps([name, value, score]))[:10]
    return {"id": identity, "from_name": name, "to_name": target, "type": kind, "value": value, "score": score}


def _captions(result: dict[str, Any], shown: Sequence[int], kind: str) -> str:
    """Return the slice and the score of each picture, as text."""
    selected = {int(each["index"]): each["name"] for each in result["selected_slices"]}
    if kind == "volume" and len(shown) == result["total_slices"]:
        return f"All {len(shown)} slices; picture n has the index n - 1. Selected: {', '.join(selected.values())}"
    places = {index: f"{place}: " if kind == "volume" else "" for place, index in enumerate(shown, start=1)}
    lines = [f"{places[index]}{name}, score {result['scores'][index]:.3g}" for index, name in selected.items()]
    noun = "frame" if kind == "clip" else "slice"
    return f"{len(selected)} of {result['total_slices']} {noun}s selected. " + " | ".join(lines)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
