"""Evaluate a classifier from its predictions: measures, intervals, a table and an object for JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_das.metrics.bootstrap import DRAWS, MeasureEstimate, bootstrap_measures
from monai_das.metrics.measures import CALIBRATION_BINS, auc
from monai_das.metrics.predictions import (
    CasePredictions,
    group_numbers,
    joined_predictions,
    owner_numbers,
    read_predictions,
)

WORDS = {
    "auc": "AUC",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "ece": f"expected calibration error, {CALIBRATION_BINS} bins",
    "brier": "Brier score",
}


@dataclass(frozen=True)
class DASEvaluation:
    """How good a classifier is, with intervals.

    Attributes:
        cases: the predictions of all files.
        groups: the number of the group (patient) of each case, None if cases were drawn one by one.
        measures: estimates by the names in ``WORDS``.
        auc_by_file: the AUC of each file by its path.
        draws: bootstrap samples.
        threshold: at which answers were given; None: the most probable class was.
    """

    cases: CasePredictions
    groups: list[int] | None
    measures: Mapping[str, MeasureEstimate]
    auc_by_file: Mapping[str, float]
    draws: int
    threshold: float | None = None

    def table(self) -> str:
        """Return a sentence and a Markdown table for people."""
        number, classes = self.cases.probabilities.shape
        drawn = "cases" if self.groups is None else f"{len(set(self.groups))} groups of cases"
        lines = [f"{number} cases of {classes} classes; 95 % intervals of {self.draws} bootstrap samples of {drawn}"]
        if self.threshold is not None:
            lines.append(f"the answer is the second class from a probability of {self.threshold:g} on")
        lines.append("")
        lines += ["| measure | value | 95 % interval |", "|---|---|---|"]
        lines += [estimate_row(WORDS[name], estimate) for name, estimate in self.measures.items()]
        unsure = any(math.isnan(each.low) and not math.isnan(each.value) for each in self.measures.values())
        if len(self.auc_by_file) > 1:
            lines += [f"| AUC of {path} | {shown(value)} | - |" for path, value in self.auc_by_file.items()]
        if unsure:
            fewest = min(Counter(self.cases.labels.tolist()).values())
            lines += ["", f"No interval (-): all bootstrap samples agree; too few cases, {fewest} of the rarest class"]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures to four digits, as JSON can hold them; None if the cases do not determine one."""
        figures: dict[str, Any] = {"cases": len(self.cases.names), "classes": self.cases.probabilities.shape[1]}
        if self.groups is not None:
            figures["groups"] = len(set(self.groups))
        figures["draws"] = self.draws
        if self.threshold is not None:
            figures["threshold"] = self.threshold
        for name, estimate in self.measures.items():
            figures |= estimate_figures(name, estimate)
        if len(self.auc_by_file) > 1:
            figures["auc_by_file"] = {path: rounded(value) for path, value in self.auc_by_file.items()}
        return figures


def evaluate_predictions(
    paths: Sequence[Path],
    group: str | None = None,
    draws: int = DRAWS,
    *,
    owners: Mapping[str, str] | None = None,
    threshold: float | None = None,
) -> DASEvaluation:
    """Evaluate the predictions in ``paths`` together; several files may come from a cross-validation.

    Args:
        paths: files that ``bundle/configs/evaluate.json`` wrote.
        group: regular expression for the patient in a case's name, see :func:`group_numbers`.
        draws: bootstrap samples.
        owners: instead of ``group``, the patient of each case by its name.
        threshold: of two classes, the second is the answer from this probability on; None: the most probable is.

    Raises:
        OSError: a file cannot be read.
        ValueError: see :func:`read_predictions`, :func:`joined_predictions`, :func:`group_numbers` and
            :func:`owner_numbers`.
    """
    each = [read_predictions(path) for path in paths]
    cases = joined_predictions(paths, each)
    groups = None if group is None else group_numbers(cases.names, group)
    groups = groups if owners is None else owner_numbers(cases.names, owners)
    measures = bootstrap_measures(cases.probabilities, cases.labels, groups, draws, threshold=threshold)
    by_file = {str(path): auc(part.probabilities, part.labels) for path, part in zip(paths, each, strict=True)}
    return DASEvaluation(cases, groups, measures, by_file, draws, threshold)


def estimate_row(words: str, estimate: MeasureEstimate) -> str:
    """Return a row of the Markdown table."""
    interval = "-" if math.isnan(estimate.low) else f"{shown(estimate.low)} to {shown(estimate.high)}"
    return f"| {words} | {shown(estimate.value)} | {interval} |"


def estimate_figures(name: str, estimate: MeasureEstimate) -> dict[str, float | None]:
    """Return ``{name: value, name_low: ..., name_high: ...}`` for JSON."""
    ends = zip((name, f"{name}_low", f"{name}_high"), estimate, strict=True)
    return {key: rounded(value) for key, value in ends}


def figure_rows(figures: Mapping[str, Any]) -> str:
    """Return rows of a Markdown table: a measure and its 95 % interval share one, where there is one."""
    rows = []
    for name, value in figures.items():
        if not name.endswith(("_low", "_high")):
            low, high = figures.get(f"{name}_low"), figures.get(f"{name}_high")
            no_interval = " (no interval)" if f"{name}_low" in figures else ""
            interval = no_interval if low is None else f" ({low} to {high})"
            rows.append(f"| {name} | {'-' if value is None else value}{interval} |")
    return "\n".join(rows)


def rounded(value: float) -> float | None:
    """Return ``value`` to four digits, None for NaN."""
    return None if math.isnan(value) else round(value, 4)


def shown(value: float) -> str:
    """Return ``value`` for people."""
    return "-" if math.isnan(value) else f"{value:.3f}"
