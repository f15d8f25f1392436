"""``monai-das benchmark interval``: the AUC of an evaluation and how sure it is, from its ``predictions.csv``."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import torch
from monai.metrics import compute_roc_auc
from torch import Tensor

from monai_das.metrics import DASBalancedAccuracyMetric


def read_predictions(path: Path) -> tuple[Tensor, Tensor]:
    """Return probabilities ``(N, K)`` and labels ``(N,)`` of a file that the bundle's evaluate command wrote.

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
    return probabilities, labels


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


def bootstrap(probabilities: Tensor, labels: Tensor, draws: int, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of the AUC over ``draws`` resamples of the cases, class by class."""
    generator = torch.Generator().manual_seed(seed)
    groups = [torch.nonzero(labels == label).flatten() for label in torch.unique(labels)]
    values = []
    for _ in range(draws):
        parts = [group[torch.randint(len(group), (len(group),), generator=generator)] for group in groups]
        chosen = torch.cat(parts)
        values.append(auc(probabilities[chosen], labels[chosen]))
    low, high = torch.tensor(values).quantile(torch.tensor([0.025, 0.975])).tolist()
    return low, high


def run_interval(path: Path, draws: int = 2000) -> str:
    """Return AUC with its 95 % interval, balanced and plain accuracy; the last line is the same as one JSON object."""
    probabilities, labels = read_predictions(path)
    low, high = bootstrap(probabilities, labels, draws)
    plain = float((probabilities.argmax(dim=1) == labels).float().mean())
    figures = {
        "cases": len(labels),
        "auc": round(auc(probabilities, labels), 4),
        "auc_low": round(low, 4),
        "auc_high": round(high, 4),
        "balanced_accuracy": round(balanced_accuracy(probabilities, labels), 4),
        "accuracy": round(plain, 4),
    }
    return (
        f"AUC {figures['auc']:.3f}, 95 % interval {low:.3f} to {high:.3f} ({draws} resamples of {len(labels)} cases)\n"
        f"balanced accuracy {figures['balanced_accuracy']:.3f}, accuracy {plain:.3f}\n{json.dumps(figures)}"
    )
