"""Write a case as JSON; ``case_result.schema.json`` beside this file is the published schema (draft 2020-12)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monai_das._atomic import atomic_path
from monai_das.data import plain_text
from monai_das.inference import CaseResult, DASModelInfo, SelectedSlice

SCHEMA_VERSION = "1.3"


def write_json(result: CaseResult, path: Path) -> None:
    """Write ``result`` to ``path`` as JSON, whole or not at all; for its keys see :func:`as_json`.

    Raises:
        ValueError: a number is not finite (JSON knows neither NaN nor infinity).
        OSError: ``path`` cannot be written.
    """
    write_object(as_json(result), path)


def write_object(content: dict[str, Any], path: Path) -> None:
    """Write ``content`` to ``path`` as indented JSON, whole or not at all; bytes that are no text are escaped."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def model_as_json(model: DASModelInfo) -> dict[str, str]:
    """Return the fields that identify a model."""
    return {"name": model.name, "version": model.version, "weights_sha256": model.weights_sha256}


def as_json(result: CaseResult) -> dict[str, Any]:
    """Return ``result`` in types that JSON can hold; times in ``timings`` are milliseconds, indices are 0-based."""
    return {
        "schema_version": SCHEMA_VERSION,
        "case_id": result.case_id,
        "group": result.group or result.case_id,
        **({} if result.name is None else {"name": result.name}),
        **({} if result.fingerprint is None else {"fingerprint": result.fingerprint}),
        "source": result.source_kind,
        "label": result.label_name,
        "label_index": result.label,
        "probabilities": dict(result.probabilities),
        "threshold": result.model.threshold,
        "total_slices": result.total_slices,
        "selected_slices": [_slice_as_json(each) for each in result.selected],
        "slice_names": [ref.name for ref in result.refs],
        "scores": list(result.scores),
        "sampling_indices": list(result.sampling_indices),
        "thumbnails": result.thumbnails,
        "model": model_as_json(result.model),
        "runtime": result.model.runtime,
        "timings": {
            "read": result.timings.read,
            "score": result.timings.score,
            "decode": result.timings.decode,
            "backbone": result.timings.backbone,
            "total": result.timings.total,
        },
        "warnings": [plain_text(warning) for warning in result.warnings],
        "notices": list(result.notices),
        **({"report_errors": dict(result.report_errors)} if result.report_errors else {}),
        "input": {
            "accepted": not result.input.reasons,
            "reasons": list(result.input.reasons),
            "accept_any_input": result.input.accept_any_input,
            "unlike_training_data": None if result.input.distance is None else result.input.unlike,
            "distance": result.input.distance,
            "limit": result.input.limit,
        },
    }


def _slice_as_json(selected: SelectedSlice) -> dict[str, Any]:
    """Return index, score, and every other field that the source knows; frames count from 1."""
    known = {key: value for key, value in selected.ref.to_dict().items() if value is not None}
    return {"index": selected.index, "name": selected.ref.name, "score": selected.score, **known}
