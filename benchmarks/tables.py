"""Tables of a results file: Markdown for people, CSV for programs, plots; nothing is trained or looked up."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np

from benchmarks.plots import draw_plots
from benchmarks.resampling import Resampling, by_seed
from benchmarks.results_file import Result, predictions
from benchmarks.statistics import (
    holm,
    interval_of,
    measures,
    two_sided_p,
    weighted_auc,
)
from benchmarks.table_row import TableRow
from monai_das.reports.atomic import atomic_path

OURS = "das"
DRAWS = 2000


Cell = tuple[str, float | None, str]


def table_rows(lines: Sequence[Result], draws: int = DRAWS) -> list[TableRow]:
    """Return the rows of all cells in ``lines``, each compared with the reference of its data set and budget.

    The reference is ``das``; without it the method of the highest AUC. Methods that keep all slices stand under every
    budget of their data set. A training that lacks folds which another of its cell has is left out, see :func:`whole`.
    """
    found: dict[Cell, list[Result]] = defaultdict(list)
    for line in lines:
        found[line["data"], line["budget"], line["method"]].append(line)
    cells = {cell: whole(runs) for cell, runs in found.items()}
    resampling = Resampling(draws)
    rows = {cell: row_of(cell, runs, resampling) for cell, runs in cells.items()}
    table = []
    for data, budget in sorted({(d, b) for d, b, _ in cells if b is not None}, key=lambda at: (at[0], -at[1])):
        here = [cell for cell in cells if cell[0] == data and cell[1] in (budget, None)]
        here.sort(key=lambda cell: -rows[cell].auc)
        reference = next((cell for cell in here if cell[2] == OURS), here[0])
        for cell in here:
            row = replace(rows[cell])
            if cell != reference:
                compare(row, cells[reference], cells[cell], resampling)
            table.append(row)
    correct(table)
    return table


def whole(runs: Sequence[Result]) -> list[Result]:
    """Return the ``runs`` of the seeds that have the most folds: a mean over easy folds alone would be too high."""
    folds = Counter(line["seed"] for line in runs)
    most = max(folds.values())
    return [line for line in runs if folds[line["seed"]] == most]


def row_of(cell: Cell, runs: Sequence[Result], resampling: Resampling) -> TableRow:
    """Return the row of one cell, without comparison."""
    each = [(line, *predictions(line)) for line in by_seed(runs)]
    found = [measures(table, labels) for _, table, labels in each]
    low, high = interval_of(resampling.auc(runs))

    def average(name: str, split: str = "test") -> float | None:
        values = [line[split][name] for line, _, _ in each if name in line.get(split, {})]
        return mean(values) if values else None

    return TableRow(
        *cell,
        seeds=len({line["seed"] for line in runs}),
        folds=len({line["fold"] for line in runs} - {None}),
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


def compare(row: TableRow, reference: Sequence[Result], runs: Sequence[Result], resampling: Resampling) -> None:
    """Fill in the paired difference of AUC, reference minus this method, where the same seeds and folds are there.

    A seed that one of the two lacks is left out of the difference.
    """
    both = {(line["seed"], line["fold"]) for line in reference} & {(line["seed"], line["fold"]) for line in runs}
    ours, theirs = ([line for line in each if (line["seed"], line["fold"]) in both] for each in (reference, runs))
    if not both or [line["labels"] for line in by_seed(ours)] != [line["labels"] for line in by_seed(theirs)]:
        return
    samples = resampling.auc(ours) - resampling.auc(theirs)
    row.difference = mean(point_auc(line) for line in ours) - mean(point_auc(line) for line in theirs)
    row.difference_low, row.difference_high = interval_of(samples)
    row.p = two_sided_p(samples)
    recalls = [resampling.recall(each) for each in (ours, theirs)]
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
        trained = f"{row.seeds} x {row.folds} folds" if row.folds else f"{row.seeds}"
        found = "" if row.recall is None else f"{row.recall:.3f}"
        missed = ""
        if row.recall_difference is not None:
            missed = (
                f"{row.recall_difference:+.3f} ({row.recall_difference_low:+.3f} to {row.recall_difference_high:+.3f})"
            )
        lines.append(
            f"| {row.data} | {budget} | {row.method} | {trained} | {row.auc:.3f} ({row.low:.3f} to {row.high:.3f}) "
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
