"""A table as Markdown for people, CSV for programs, and plots."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from benchmarks.engine.results_file import Result
from benchmarks.tables.old_engine import marked, with_note
from benchmarks.tables.plots import draw_plots
from benchmarks.tables.rows import DRAWS, table_rows
from benchmarks.tables.table_row import TableRow
from monai_das._atomic import atomic_path

HEAD = (
    "| data | slices | method | seeds | test AUC (95 % interval) | worst | balanced acc. | acc. | ECE "
    "| reference minus this (95 % interval) | p (Holm) | recall | reference minus this (95 % interval) "
    "| met | precision | training s | ms/case |"
)


def markdown_of(rows: Sequence[TableRow]) -> str:
    """Return the table for people."""
    lines = [HEAD, "|" + "---|" * (HEAD.count("|") - 1)]
    for row in rows:
        name, gap, p = marked(row.method, row.old_engine), "reference", ""
        if row.p is not None:
            gap = f"{row.difference:+.3f} ({row.difference_low:+.3f} to {row.difference_high:+.3f})"
            p = f"{row.p:.3f}"
        budget = "all" if row.budget is None else f"{row.budget:.1%}"
        trained = f"{row.seeds} x {row.folds} folds" if row.folds else f"{row.seeds}"
        found, met, precision = (_shown(each) for each in (row.recall, row.met, row.precision))
        missed = ""
        if row.recall_difference is not None:
            missed = (
                f"{row.recall_difference:+.3f} ({row.recall_difference_low:+.3f} to {row.recall_difference_high:+.3f})"
            )
        lines.append(
            f"| {row.data} | {budget} | {name} | {trained} | {row.auc:.3f} ({row.low:.3f} to {row.high:.3f}) "
            f"| {row.worst:.3f} | {row.balanced_accuracy:.3f} | {row.accuracy:.3f} | {row.ece:.3f} | {gap} | {p} "
            f"| {found} | {missed} | {met} | {precision} | {row.cpu_seconds:.0f} | {row.ms:.2f} |"
        )
    return "\n".join(with_note(lines, any(row.old_engine for row in rows)))


def _shown(share: float | None) -> str:
    return "" if share is None else f"{share:.3f}"


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
