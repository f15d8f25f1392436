"""The one results file: a JSON object per line, a line per finished job, only ever appended to.

A run that was killed reads what is there and goes on with the other jobs.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Result = dict[str, Any]


def read_results(path: Path) -> list[Result]:
    """Return the runs in the file at ``path``; none where there is no file.

    A last line without an end was left by a killed writer: it is skipped.

    Raises:
        ValueError: another line is no JSON object with a ``job``.
    """
    if not path.exists():
        return []
    *lines, _ = path.read_text(encoding="utf-8").split("\n")
    results = []
    for number, line in enumerate(lines, start=1):
        try:
            result = json.loads(line)
            result["job"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path}:{number}: must be a JSON object with a job, got {line[:40]!r}; delete the line"
            ) from error
        results.append(result)
    return results


def finished_jobs(path: Path | None) -> dict[str, Result]:
    """Return the lines of the file at ``path`` by :func:`job_name`; none without a file. The last of a job counts."""
    return {} if path is None else {job_name(line["job"]): line for line in read_results(path)}


def job_name(job: str | Mapping[str, Any]) -> str:
    """Return the name of a job: its key, or all its settings as JSON."""
    return job if isinstance(job, str) else json.dumps(job, sort_keys=True)


def append_result(path: Path, result: Result) -> None:
    """Append one run, whole or not at all: one write at the end of the file, after cutting off a torn last line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(result, separators=(",", ":"), allow_nan=False) + "\n"
    with open(path, "ab+", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(0)
        whole = file.read().rfind(b"\n") + 1 if end else 0
        if whole < end:
            file.truncate(whole)
        file.write(line.encode("utf-8"))
        os.fsync(file.fileno())


def packed(values: NDArray[Any]) -> str:
    """Return an array of one kind (float16, uint8, ...) as text; its shape is not kept."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def packed_predictions(probabilities: NDArray[Any], labels: NDArray[Any]) -> Result:
    """Return ``probabilities`` ``(N, K)`` and ``labels`` ``(N,)`` for a line of the file.

    Probabilities are kept as logarithms in half precision: 2 bytes each, exact to a part in a thousand however near
    to 0 or 1 they are, so that the ranking of the cases stays.
    """
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-30))
    return {
        "log_probabilities": packed(logs.astype("<f2")),
        "labels": packed(labels.astype(np.uint8)),
    }


def recalls_of(result: Result) -> NDArray[np.float64]:
    """Return ``(N,)`` which share of the telling slices of each case was chosen, of a line that has ``recalls``."""
    return np.frombuffer(base64.b64decode(result["recalls"]), "<f2").astype(np.float64)


def predictions(result: Result) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return probabilities ``(N, K)`` and labels ``(N,)`` of a line of the file.

    The largest of a case is 1 minus the others, because its own logarithm is so near to 0 that half precision would
    make ties of confident cases.
    """
    labels = np.frombuffer(base64.b64decode(result["labels"]), np.uint8).astype(np.int64)
    logs = np.frombuffer(base64.b64decode(result["log_probabilities"]), "<f2").astype(np.float64)
    table = np.exp(logs.reshape(len(labels), -1))
    rows, largest = np.arange(len(labels)), table.argmax(axis=1)
    table[rows, largest] = 0.0
    table[rows, largest] = 1.0 - table.sum(axis=1)
    return table, labels
