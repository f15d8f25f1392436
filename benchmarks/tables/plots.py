"""Plots of a table: AUC against the budget, and against what a case costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.tables.table_row import TableRow
from monai_das._atomic import atomic_path


def draw_plots(rows: Sequence[TableRow], folder: Path, name: str) -> list[Path]:
    """Write ``NAME_DATA_budget.png`` and ``NAME_DATA_cost.png`` of each data set into ``folder``; return the files."""
    sets: dict[str, list[TableRow]] = defaultdict(list)
    for row in rows:
        if row not in sets[row.data]:
            sets[row.data].append(row)
    files = []
    for data, each in sets.items():
        for kind, draw in (("budget", draw_budget), ("cost", draw_cost)):
            files.append(folder / f"{name}_{data}_{kind}.png")
            draw_file(files[-1], draw, each, data)
    return files


def draw_file(path: Path, draw: Any, rows: Sequence[TableRow], title: str) -> None:
    """Write one picture, whole or not at all, without touching the state of pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes, rows)
    axes.set_title(title)
    axes.set_ylabel("test AUC, mean and 95 % interval")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize="small")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)


def by_method(rows: Sequence[TableRow]) -> dict[str, list[TableRow]]:
    """Return the rows of each method, the widest budget first."""
    groups: dict[str, list[TableRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: -(row.budget or 1.0)):
        groups[row.method].append(row)
    return groups


def bars(rows: Sequence[TableRow]) -> tuple[list[float], list[list[float]]]:
    """Return the AUCs of ``rows`` and the lengths of their bars, below and above."""
    below = [max(0.0, row.auc - row.low) for row in rows]
    return [row.auc for row in rows], [below, [max(0.0, row.high - row.auc) for row in rows]]


def look(number: int) -> dict[str, str]:
    """Return colour and marker of the method at ``number``: ten colours, then the same with another marker."""
    return {"color": f"C{number % 10}", "marker": "os^D"[number // 10 % 4]}


def draw_budget(axes: Any, rows: Sequence[TableRow]) -> None:
    """Draw AUC against the share of slices, a line per method; methods that keep all slices are a horizontal line."""
    for number, (method, each) in enumerate(by_method(rows).items()):
        level, lengths = bars(each)
        if each[0].budget is None:
            axes.axhline(level[0], color="grey", linestyle="--", label=f"{method} (all slices)")
            continue
        place = [100.0 * (row.budget or 1.0) * 1.02 ** (number - 3) for row in each]
        axes.errorbar(place, level, lengths, capsize=3, label=method, **look(number))
    axes.set_xscale("log")
    shares = sorted({100.0 * row.budget for row in rows if row.budget is not None})
    axes.set_xticks(shares, [f"{share:g}" for share in shares])
    axes.minorticks_off()
    axes.set_xlabel("slices kept, % (methods side by side for legibility)")


def draw_cost(axes: Any, rows: Sequence[TableRow]) -> None:
    """Draw AUC against processor time per case, choosing included."""
    from matplotlib.ticker import LogLocator

    for number, (method, each) in enumerate(by_method(rows).items()):
        level, lengths = bars(each)
        axes.errorbar([row.ms for row in each], level, lengths, capsize=3, label=method, **look(number))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_xlabel("processor time per case, ms")
