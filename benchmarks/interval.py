"""``python -m benchmarks interval``: the AUC of an evaluation and how sure it is, from its ``predictions.csv``."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from monai.metrics import compute_roc_auc
from torch import Tensor

from benchmarks.statistics import case_weights, interval_of, weighted_auc
from monai_das.metrics import DASBalancedAccuracyMetric


def read_predictions(path: Path) -> tuple[list[str], Tensor, Tensor]:
    """Return names, probabilities ``(N, K)`` and labels ``(N,)`` of a file that the bundle's evaluate command wrote.

    Raises:
        ValueError: a line is not ``name, p0, p1, ..., label``, or the file has no line.
    """
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    try:
        table = torch.tensor([[float(cell) for cell in row[1:]] for row in rows])
        probabilities, labels = table[:, :-1], table[:, -1].long()
        if probabilities.size(1) < 2:
            raise IndexError("no probabilities")
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path}: every line must be name, p0, p1, ..., label, as evaluate.json writes it") from error
    return [row[0] for row in rows], probabilities, labels


def auc(probabilities: Tensor, labels: Tensor) -> float:
    """Return the area under the ROC curve, for more than two classes the mean of one against the rest."""
    classes = range(1, 2) if probabilities.size(1) == 2 else range(probabilities.size(1))
    each = [float(torch.as_tensor(compute_roc_auc(probabilities[:, i], (labels == i).long()))) for i in classes]
    return sum(each) / len(each)


def balanced_accuracy(probabilities: Tensor, labels: Tensor) -> float:
    """Return the mean recall of the classes, by the most probable class."""
    metric = DASBalancedAccuracyMetric()
    classes = probabilities.size(1)
    metric(
        torch.nn.functional.one_hot(probabilities.argmax(dim=1), classes),
        torch.nn.functional.one_hot(labels, classes),
    )
    return float(metric.aggregate())


def bootstrap(
    probabilities: Tensor, labels: Tensor, draws: int, seed: int = 0, groups: Sequence[int] | None = None
) -> tuple[float, float]:
    """Return the 95 % percentile interval of the AUC over ``draws`` resamples.

    Cases are drawn class by class; with ``groups``, a number per case, whole groups (patients) are.
    """
    table, classes = probabilities.double().numpy(), labels.numpy()
    return interval_of(weighted_auc(table, classes, case_weights(classes, draws, seed, groups)))


def group_numbers(names: Sequence[str], pattern: str) -> list[int]:
    """Return the number of the group of each case: the first part in brackets of ``pattern``, found in its name.

    Raises:
        ValueError: ``pattern`` is no regular expression with one part in brackets, or a name does not hold it.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    if expression.groups != 1:
        raise ValueError(
            f"{pattern!r} must have one part in brackets, as '^(patient_[0-9]+)_', it has {expression.groups}"
        )
    found = [expression.search(name) for name in names]
    if None in found:
        raise ValueError(f"the name {names[found.index(None)]!r} does not hold {pattern!r}; correct one of them")
    keys = [match[1] for match in found if match]
    order = sorted(set(keys))
    return [order.index(key) for key in keys]


def run_interval(paths: Sequence[Path], draws: int = 2000, group: str | None = None) -> str:
    """Return AUC with its 95 % interval, balanced and plain accuracy; the last line is the same as one JSON object.

    Several files, as of the folds of a cross-validation, are taken together; the AUC of each is told too.

    Args:
        paths: files that the bundle's evaluate command wrote.
        draws: of the bootstrap.
        group: regular expression for the patient in a case's name, see :func:`group_numbers`.

    Raises:
        ValueError: see :func:`read_predictions` and :func:`group_numbers`.
    """
    tables = [read_predictions(path) for path in paths]
    names = [name for each, _, _ in tables for name in each]
    probabilities, labels = torch.cat([each for _, each, _ in tables]), torch.cat([each for _, _, each in tables])
    groups = None if group is None else group_numbers(names, group)
    low, high = bootstrap(probabilities, labels, draws, groups=groups)
    plain = float((probabilities.argmax(dim=1) == labels).float().mean())
    figures: dict[str, object] = {
        "cases": len(labels),
        "auc": round(auc(probabilities, labels), 4),
        "auc_low": round(low, 4),
        "auc_high": round(high, 4),
        "balanced_accuracy": round(balanced_accuracy(probabilities, labels), 4),
        "accuracy": round(plain, 4),
    }
    drawn = f"{len(labels)} cases"
    if groups is not None:
        figures["groups"] = len(set(groups))
        drawn = f"{figures['groups']} groups of {drawn}"
    lines = [f"AUC {figures['auc']:.3f}, 95 % interval {low:.3f} to {high:.3f} ({draws} resamples of {drawn})"]
    lines.append(f"balanced accuracy {figures['balanced_accuracy']:.3f}, accuracy {plain:.3f}")
    if len(tables) > 1:
        each = [round(auc(table, truth), 4) for _, table, truth in tables]
        figures["auc_by_file"] = each
        lines.append(f"by file {', '.join(f'{value:.3f}' for value in each)}, mean {sum(each) / len(each):.3f}")
    return "\n".join([*lines, json.dumps(figures)])
