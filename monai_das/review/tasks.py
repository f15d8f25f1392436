"""Turn the output of ``monai-das predict`` into Label Studio tasks, and a model's answer into a prediction."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from monai_das.review.labelling import CLASS, CLIP, KEY_FRAMES, SELECTED, SLICES

NEIGHBOURS = 1  # on each side of a selected slice, as on the page


@dataclass(frozen=True)
class PredictedCase:
    """A case in the output of ``monai-das predict``.

    Attributes:
        result: in the form of :func:`~monai_das.reports.as_json`.
        folder: holds its ``slices.zip``.
    """

    result: Mapping[str, Any]
    folder: Path

    @property
    def case_id(self) -> str:
        """Its id."""
        return str(self.result["case_id"])

    def pictures(self, indices: Sequence[int]) -> list[bytes]:
        """Return the PNG pictures of the slices ``indices``.

        Raises:
            ValueError: ``slices.zip`` is damaged, or of another case.
        """
        try:
            with zipfile.ZipFile(self.folder / "slices.zip") as archive:
                return [archive.read(f"{index:04d}.png") for index in indices]
        except (KeyError, zipfile.BadZipFile) as error:
            raise _unreadable(self.folder, error) from error

    def shown(self, kind: str, every_slice: bool = False) -> list[int]:
        """Return the slices that readers see: the selected ones and their neighbours, or all (of a clip always)."""
        total = self.result["total_slices"]
        if kind == "clip" or every_slice:
            return list(range(total))
        steps = range(-NEIGHBOURS, NEIGHBOURS + 1)
        around = {each["index"] + step for each in self.result["selected_slices"] for step in steps}
        return sorted(index for index in around if 0 <= index < total)


def predicted_cases(folder: Path) -> list[PredictedCase]:
    """Return the cases in ``folder``, the output of ``monai-das predict --report json,slices``, sorted by their ids.

    Raises:
        FileNotFoundError: ``folder`` holds no result, or a case has no ``slices.zip``.
        ValueError: a result is damaged, or lies in the folder of another case.
    """
    files = sorted(folder.glob("*/result.json"))
    if not files:
        raise FileNotFoundError(f"{folder}: no case with a result.json; run monai-das predict --report json,slices")
    return [_predicted_case(file) for file in files]


def _predicted_case(file: Path) -> PredictedCase:
    if not file.with_name("slices.zip").is_file():
        raise FileNotFoundError(
            f"{file.with_name('slices.zip')} is missing; run monai-das predict --report json,slices"
        )
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
        if result["case_id"] != file.parent.name:
            raise ValueError(f"the folder is called {file.parent.name}, its result is of {result['case_id']}")
        model_answer(result)
        return PredictedCase(result, file.parent)
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(file.parent, error) from error


def _unreadable(folder: Path, error: Exception) -> ValueError:
    return ValueError(f"{folder}: the results cannot be read ({error}); predict the case again")


def model_answer(result: Mapping[str, Any], *, blind: bool = False) -> dict[str, Any]:
    """Return what a reader judges: the model, its version in one line, what it selected, and (not blind) its class.

    ``digest`` is equal for the same answer of the same model.
    """
    told = {"label": result["label"], "probability": result["probabilities"][result["label"]]}
    whole = [result[key] for key in ("model", "label", "probabilities", "total_slices", "selected_slices")]
    return {
        "model": result["model"],
        "version": model_version(result["model"]),
        "slices": result["selected_slices"],
        **({} if blind else told),
        "digest": _sha256(json.dumps(whole, sort_keys=True)),
    }


def model_version(model: Mapping[str, str]) -> str:
    """Return the name, the version and the first digits of the weights' SHA-256 in one line."""
    return f"{model['name']} {model['version']} {model['weights_sha256'][:12]}"


def task_data(result: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the data of a new task, without pictures and without an answer; ids are its only identities."""
    return {
        "case": result["case_id"],
        "group": result.get("group") or result["case_id"],
        "kind": kind,
        "classes": list(result["probabilities"]),
        "total_slices": result["total_slices"],
        "slice_indices": [],
        "answers": [],
        "captions": "",
    }


def with_answer(
    data: Mapping[str, Any], result: Mapping[str, Any], *, blind: bool, more: Sequence[int] = ()
) -> dict[str, Any]:
    """Return ``data`` with the answer in ``result`` (once), and with pictures of the slices ``more`` after the others.

    No picture changes its place, because answers of readers name places.
    """
    shown = [*data["slice_indices"], *more]
    found = {**data, "slice_indices": shown}
    if not has_answer(data, result):
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        found["answers"] = [*data["answers"], {**model_answer(result, blind=blind), "pushed_at": now}]
    return {**found, "captions": _captions(found, result.get("notices", []))}


def has_answer(data: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Return whether a task's data hold the answer in ``result``."""
    return model_answer(result)["digest"] in {each["digest"] for each in data["answers"]}


def task_prediction(result: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the model's answer as a prediction of Label Studio: the class, and the selected frames of a clip.

    No slice has a verdict before a reader gives one. The first row also holds :func:`model_answer`, by which a verdict
    finds what was judged.

    Args:
        result: the case in the form of :func:`~monai_das.reports.as_json`.
        kind: ``"volume"`` or ``"clip"``.
    """
    answer, target = model_answer(result), SLICES if kind == "volume" else CLIP
    row = _row(CLASS, target, "choices", {"choices": [answer["label"]]}, answer["probability"])
    rows = [{**row, "answer": answer}]
    for each in answer["slices"] if kind == "clip" else ():
        # Label Studio counts frames from 1
        ranges = [{"start": each["index"] + 1, "end": each["index"] + 1}]
        value = {"ranges": ranges, "timelinelabels": [SELECTED]}
        rows.append(_row(KEY_FRAMES, target, "timelinelabels", value, each["score"]))
    return {"model_version": answer["version"], "score": answer["probability"], "result": rows}


def _row(name: str, target: str, kind: str, value: dict[str, Any], score: float) -> dict[str, Any]:
    # an id of its own for each row, the same at every push
    identity = _sha256(json.dumps([name, value, score]))[:10]
    return {"id": identity, "from_name": name, "to_name": target, "type": kind, "value": value, "score": score}


def _captions(data: Mapping[str, Any], notices: Sequence[str]) -> str:
    """Return what is shown and what each model said, the latest first, as text."""
    places = {index: place for place, index in enumerate(data["slice_indices"], start=1)}
    lines = [f"{notice}." for notice in notices]
    if data["kind"] == "volume":
        lines.append(f"{len(places)} of {data['total_slices']} slices are shown.")
    for answer in reversed(data["answers"]):
        if "label" in answer:
            lines.append(f"{answer['version']} says {answer['label']} ({answer['probability']:.1%}).")
            names = [each["name"] for each in answer["slices"]]
            if data["kind"] == "volume":
                names = [f"picture {places[each['index']]}: {each['name']}" for each in answer["slices"]]
            lines.append(f"Selected: {'; '.join(names)}.")
    return "\n".join(lines)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
