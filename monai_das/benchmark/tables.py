"""Tables of a results file: Markdown for people, CSV for programs, plots; nothing is trained or looked up."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import numpy as np

from monai_das.benchmark.plots import draw_plots
from monai_das.benchmark.results_file import Result, predictions, recalls_of
from monai_das.benchmark.statistics import (
    Array,
    bootstrap_auc,
    bootstrap_mean,
    case_weights,
    holm,
    interval_of,
    measures,
    two_sided_p,
    weighted_auc,
)
from monai_das.reports.atomic import atomic_path

OURS = "das"
DRAWS = 2000


@dataclass
class TableRow:
    """One row: a method at a budget on a data set, over its seeds (and folds).

    ``difference`` and its interval are paired: the reference's AUC minus this one's, on the same samples; ``p`` is
    corrected for all comparisons of the table. ``recall_difference`` is the same of the recall. They are None for the
    reference itself, and where the seeds differ in number or the cases are others.
    """

    data: str
    budget: float | None
    method: str
    seeds: int
    auc: float
    low: float
    high: float
    worst: float
    balanced_accuracy: float
    accuracy: float
    ece: float
    recall: float | None
    val_auc: float | None
    cpu_seconds: float
    ms: float
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p: float | None = None
    recall_difference: float | None = None
    recall_difference_low: float | None = None
    recall_difference_high: float | None = None


Cell = tuple[str, float | None, str]


def table_rows(lines: Sequence[Result], draws: int = DRAWS) -> list[TableRow]:
    """Return the rows of all cells in ``lines``, each compared with the reference of its data set and budget.

    The reference is ``das``; without it the method of the highest AUC. Methods that keep all slices stand under every
    budget of their data set.
    """
    cells: dict[Cell, list[Result]] = defaultdict(list)
    for line in lines:
        cells[line["data"], line["budget"], line["method"]].append(line)
    rows = {cell: row_of(cell, runs, draws) for cell, runs in cells.items()}
    table = []
    for data, budget in sorted({(d, b) for d, b, _ in cells if b is not None}, key=lambda at: (at[0], -at[1])):
        here = [cell for cell in cells if cell[0] == data and cell[1] in (budget, None)]
        here.sort(key=lambda cell: -rows[cell].auc)
        reference = next((cell for cell in here if cell[2] == OURS), here[0])
        for cell in here:
            row = replace(rows[cell])
            if cell != reference:
                compare(row, cells[reference], cells[cell], draws)
            table.append(row)
    correct(table)
    return table


def row_of(cell: Cell, runs: Sequence[Result], draws: int) -> TableRow:
    """Return the row of one cell, without comparison."""
    each = [(line, *predictions(line)) for line in by_seed(runs)]
    found = [measures(table, labels) for _, table, labels in each]
    samples = auc_samples(runs, draws)
    low, high = interval_of(samples)

    def average(name: str, split: str = "test") -> float | None:
        values = [line[split][name] for line, _, _ in each if name in line.get(split, {})]
        return mean(values) if values else None

    return TableRow(
        *cell,
        seeds=len({line["seed"] for line in runs}),
        auc=mean(each["auc"] for each in found),
        low=low,
        high=high,
        worst=min(each["auc"] for each in found),
        balanced_accuracy=mean(each["balanced_accuracy"] for each in found),
        accuracy=mean(each["accuracy"] for each in found),
        ece=mean(each["ece"] for each in found),
        recall=average("recall"),
        val_auc=average("auc", "val"),
        cpu_seconds=mean(line["cpu_seconds"] for line, _, _ in each),
        ms=average("ms") or 0.0,
    )


def by_seed(runs: Sequence[Result]) -> list[Result]:
    """Return ``runs`` in the order of seed and fold."""
    return sorted(runs, key=lambda line: (line["seed"], line["fold"] or 0))


def auc_samples(runs: Sequence[Result], draws: int) -> Array:
    """Return bootstrap samples ``(draws,)`` of the mean AUC over seeds, and over folds where there are any."""

    def of_fold(lines: list[Result], weights: Array) -> Array:
        tables = [predictions(line)[0] for line in lines]
        return bootstrap_auc(tables, predictions(lines[0])[1], weights)

    return over_folds(runs, draws, of_fold)


def recall_samples(runs: Sequence[Result], draws: int) -> Array | None:
    """Return the same of the mean recall; None where the telling slices are not known."""
    if any("recalls" not in line for line in runs):
        return None
    return over_folds(runs, draws, lambda lines, weights: bootstrap_mean([recalls_of(line) for line in lines], weights))


def over_folds(runs: Sequence[Result], draws: int, of_fold: Callable[[list[Result], Array], Array]) -> Array:
    """Return the mean over folds (one, for the official split) of what ``of_fold`` makes of a fold's lines and weights.

    The weights are those of the fold's cases, ``(draws, N)``: patients are drawn whole where cases have them.
    """
    folds: dict[int, list[Result]] = defaultdict(list)
    for line in by_seed(runs):
        folds[line["fold"] or 0].append(line)
    samples = []
    for fold, lines in folds.items():
        labels = predictions(lines[0])[1]
        samples.append(of_fold(lines, case_weights(labels, draws, fold, lines[0].get("groups"))))
    total: Array = np.mean(samples, axis=0)
    return total


def compare(row: TableRow, reference: Sequence[Result], runs: Sequence[Result], draws: int) -> None:
    """Fill in the paired difference of AUC, reference minus this method, where the same seeds and folds are there.

    A seed that one of the two lacks is left out of the difference.
    """
    both = {(line["seed"], line["fold"]) for line in reference} & {(line["seed"], line["fold"]) for line in runs}
    ours, theirs = ([line for line in each if (line["seed"], line["fold"]) in both] for each in (reference, runs))
    if not both or [line["labels"] for line in by_seed(ours)] != [line["labels"] for line in by_seed(theirs)]:
        return
    samples = auc_samples(ours, draws) - auc_samples(theirs, draws)
    row.difference = mean(point_auc(line) for line in ours) - mean(point_auc(line) for line in theirs)
    row.difference_low, row.difference_high = interval_of(samples)
    row.p = two_sided_p(samples)
    recalls = [recall_samples(each, draws) for each in (ours, theirs)]
    if recalls[0] is not None and recalls[1] is not None:
        row.recall_difference = mean(line["test"]["recall"] for line in ours)
        row.recall_difference -= mean(line["test"]["recall"] for line in theirs)
        row.recall_difference_low, row.recall_difference_high = interval_of(recalls[0] - recalls[1])


def point_auc(line: Result) -> float:
    """Return the AUC of one run."""
    table, labels = predictions(line)
    return float(weighted_auc(table, labels, np.ones((1, len(labels))))[0])


def correct(rows: Sequence[TableRow]) -> None:
    """Replace the p-values of ``rows`` by those corrected for their number (Holm)."""
    compared = [row for row in rows if row.p is not None]
    for row, p in zip(compared, holm([row.p for row in compared if row.p is not None]), strict=True):
        row.p = p


HEAD = (
    "| data | slices | method | seeds | test AUC (95 % interval) | worst | balanced acc. | acc. | ECE "
    "| reference minus this (95 % interval) | p (Holm) | recall | reference minus this (95 % interval) "
    "| training s | ms/case |"
)


def markdown_of(rows: Sequence[TableRow]) -> str:
    """Return the table for people."""
    lines = [HEAD, "|" + "---|" * (HEAD.count("|") - 1)]
    for row in rows:
        gap, p = "reference", ""
        if row.p is not None:
            gap = f"{row.difference:+.3f} ({row.difference_low:+.3f} to {row.difference_high:+.3f})"
            p = f"{row.p:.3f}"
        budget = "all" if row.budget is None else f"{row.budget:.1%}"
        found = "" if row.recall is None else f"{row.recall:.3f}"
        missed = ""
        if row.recall_difference is not None:
            missed = (
                f"{row.recall_difference:+.3f} ({row.recall_difference_low:+.3f} to {row.recall_difference_high:+.3f})"
            )
        lines.append(
            f"| {row.data} | {budget} | {row.method} | {row.seeds} | {row.auc:.3f} ({row.low:.3f} to {row.high:.3f}) "
            f"| {row.worst:.3f} | {row.balanced_accuracy:.3f} | {row.accuracy:.3f} | {row.ece:.3f} | {gap} | {p} "
            f"| {found} | {missed} | {row.cpu_seconds:.0f} | {row.ms:.2f} |"
        )
    return "\n".join(lines)


def csv_of(rows: Sequence[TableRow]) -> str:
    """Return the table for programs."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(TableRow.__dataclass_fields__)
    for row in rows:
        values = vars(row).values()
        writer.writerow(["" if v is None else round(v, 6) if isinstance(v, float) else v for v in values])
    return stream.getvalue()


def write_tables(lines: Sequence[Result], folder: Path, name: str, draws: int = DRAWS) -> str:
    """Write ``name.md``, ``name.csv`` and plots of ``lines`` into ``folder``, each whole; return the Markdown."""
    rows = table_rows(lines, draws)
    text = markdown_of(rows)
    for suffix, content in (("md", text + "\n"), ("csv", csv_of(rows))):
        with atomic_path(folder / f"{name}.{suffix}") as temporary:
            temporary.write_text(content, encoding="utf-8")
    draw_plots(rows, folder, name)
    return text
