"""Draw a case as one picture: the selected slices, their scores, and their places in the volume."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from monai_das._atomic import atomic_path
from monai_das.inference import CaseResult, SelectedSlice

SELECTED = "#f08a1d"
DARK = "#b45f06"
OTHER = "#8fa6b8"
INK = "#1d2733"
QUIET = "#66727f"
WIDTH = 10.0
MARGIN = 0.45
GAP = 0.12
CAPTION = 0.6
CHART = 2.65
FOOTER = 0.45
MOST_COLUMNS = 8
MOST_BARS = 5
BAR = 0.18
BANNER = "#b00020"
BANNER_LINE = 0.2
LETTERS = 118  # in a line of the banner


def write_montage(result: CaseResult, path: Path, *, dpi: int = 120) -> None:
    """Write ``result`` to ``path`` as a PNG, whole or not at all.

    From top to bottom: notices on a red banner; the prediction and all probabilities; the selected slices, each with
    its number and score; the scores of all slices, the selected ones in orange; a side view of the volume on the same
    axis.

    Args:
        result: the case, with its pictures.
        path: the PNG to write.
        dpi: pixels per inch of a picture 10 inches wide.

    Raises:
        OSError: ``path`` cannot be written.
    """
    figure = _drawn(result, dpi)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def montage_pixels(result: CaseResult, *, dpi: int = 120) -> NDArray[np.uint8]:
    """Return the picture of :func:`write_montage` as ``(rows, columns, 3)``, RGB."""
    canvas: Any = FigureCanvasAgg(_drawn(result, dpi))
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _drawn(result: CaseResult, dpi: int) -> Figure:
    columns = min(max(len(result.selected), 4), MOST_COLUMNS)
    rows = math.ceil(len(result.selected) / columns)
    side = (WIDTH - 2 * MARGIN + GAP) / columns
    header = max(1.1, 0.5 + BAR * _bars(result))
    tiles = rows * (side - GAP + CAPTION)
    lines = [line for notice in result.notices for line in textwrap.wrap(notice, LETTERS)]
    banner = BANNER_LINE * (len(lines) + 1) if lines else 0.0
    figure = Figure(figsize=(WIDTH, banner + header + tiles + CHART + FOOTER), facecolor="white", dpi=dpi)
    page = _Page(figure, banner)

    _draw_banner(page, lines)
    _draw_header(page, result)
    for place, selected in enumerate(result.selected):
        row, column = divmod(place, columns)
        axes = page.axes(MARGIN + column * side, header + row * (side - GAP + CAPTION), side - GAP, side - GAP)
        _draw_slice(axes, result, place, selected)
    _draw_scores(page, result, header + tiles + 0.15)
    _draw_footer(page, result)
    return figure


class _Page:
    """Places things on a figure in inches from its upper left corner, below the banner."""

    def __init__(self, figure: Figure, banner: float = 0.0) -> None:
        self.figure = figure
        self.banner = banner
        self.width, whole = (float(side) for side in figure.get_size_inches())
        self.height = whole - banner

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return axes that fill this box, without a frame."""
        bottom = self.height - top - height
        whole = self.height + self.banner
        box = (left / self.width, bottom / whole, width / self.width, height / whole)
        axes = self.figure.add_axes(box)
        axes.spines[:].set_visible(False)
        axes.tick_params(colors=QUIET, labelsize=8, length=2)
        return axes

    def text(self, left: float, top: float, words: str, **style: Any) -> None:
        """Write ``words`` with their upper left corner here; a ``$`` is a ``$``."""
        height = (self.height - top) / (self.height + self.banner)
        self.figure.text(left / self.width, height, words, verticalalignment="top", parse_math=False, **style)


def _draw_banner(page: _Page, lines: list[str]) -> None:
    """What a reader must know first, white on red over the whole width."""
    if lines:
        axes = page.axes(0.0, -page.banner, page.width, page.banner)
        axes.set(xticks=[], yticks=[], facecolor=BANNER)
        page.text(
            MARGIN, 0.1 - page.banner, "\n".join(lines), color="white", fontsize=9, fontweight="bold", linespacing=1.3
        )


def _draw_header(page: _Page, result: CaseResult) -> None:
    """Case, label and one bar per class, likeliest first."""
    page.text(MARGIN, 0.3, _shortened(result.title, 60), color=QUIET, fontsize=11)
    page.text(MARGIN, 0.52, _shortened(result.label_name, 28), color=INK, fontsize=22, fontweight="bold")
    page.text(MARGIN, 0.92, _shortened(result.rule, 80), color=QUIET, fontsize=8)
    likeliest = sorted(result.probabilities.items(), key=lambda item: -item[1])[: _bars(result)]
    axes = page.axes(WIDTH - MARGIN - 2.9, 0.3, 2.3, BAR * len(likeliest))
    for place, (name, value) in enumerate(likeliest):
        axes.barh(place, 1.0, height=0.62, color="#edf0f3")
        axes.barh(place, value, height=0.62, color=SELECTED if name == result.label_name else OTHER)
        style: dict[str, Any] = {"color": INK, "fontsize": 9, "verticalalignment": "center_baseline"}
        axes.text(-0.03, place, _shortened(name, 28), horizontalalignment="right", parse_math=False, **style)
        axes.text(1.03, place, f"{value:.1%}", **style)
    axes.set(xlim=(0, 1), xticks=[], yticks=[], ylim=(len(likeliest) - 0.5, -0.5))


def _draw_slice(axes: Axes, result: CaseResult, place: int, selected: SelectedSlice) -> None:
    """One selected slice on black, with its number, score and place below."""
    pictures = result.pictures
    axes.imshow(pictures.slices[place], cmap="gray", vmin=0, vmax=255, aspect=pictures.pixel_aspect)
    axes.set(xticks=[], yticks=[], facecolor="black", adjustable="datalim")
    lines: tuple[tuple[str, dict[str, Any]], ...] = (
        (_name(selected), {"color": INK, "fontsize": 9, "fontweight": "bold"}),
        (f"score {selected.score:.3g}", {"color": DARK, "fontsize": 9}),
        (_where(selected), {"color": QUIET, "fontsize": 7.2}),
    )
    for row, (words, style) in enumerate(lines):
        axes.annotate(
            words, (0, 0), (0, -4 - 12.5 * row), xycoords="axes fraction", textcoords="offset points",
            verticalalignment="top", parse_math=False, **style,
        )  # fmt: skip


def _draw_scores(page: _Page, result: CaseResult, top: float) -> None:
    """The score of every slice above the volume seen from the side, on one axis."""
    clip = _is_frame_of_clip(result.selected[0])
    start = 0.5 if clip else -0.5  # frames count from 1, slices from 0
    end = start + result.total_slices
    places = [start + 0.5 + each.index for each in result.selected]
    left = MARGIN + 0.45
    upper = page.axes(left, top, WIDTH - left - MARGIN, 1.05)
    low, high = min(result.scores), max(result.scores)
    room = 0.08 * ((high - low) or 1.0)
    edges = [start + place for place in range(result.total_slices + 1)]
    upper.stairs(result.scores, edges, baseline=low - room, fill=True, color=OTHER)
    heights = [each.score - low + room for each in result.selected]
    upper.bar(places, heights, width=1.0, bottom=low - room, color=SELECTED)
    upper.set(xlim=(start, end), ylim=(low - room, high + room), xticks=[])
    upper.set_ylabel("score", color=QUIET, fontsize=9)

    lower = page.axes(left, top + 1.1, WIDTH - left - MARGIN, 0.8)
    view = result.pictures.side_view
    lower.imshow(view, cmap="gray", vmin=0, vmax=255, aspect="auto", extent=(start, end, view.shape[0], 0))
    for place in places:
        lower.axvspan(place - 0.5, place + 0.5, color=SELECTED, alpha=0.45, linewidth=0)
    lower.set(xlim=(start, end), yticks=[])
    lower.set_ylabel("side view", color=QUIET, fontsize=9)
    lower.set_xlabel("frame" if clip else "slice, in the source's own order", color=QUIET, fontsize=9)


def _draw_footer(page: _Page, result: CaseResult) -> None:
    model = result.model
    noun = "frame" if _is_frame_of_clip(result.selected[0]) else "slice"
    words = (
        f"{len(result.selected)} of {result.total_slices} {noun}s seen   |   {model.name} {model.version}, "
        f"weights {model.weights_sha256[:12]}   |   not a medical device"
    )
    page.text(MARGIN, page.height - 0.3, words, color=QUIET, fontsize=8)


def _bars(result: CaseResult) -> int:
    """Return how many classes get a bar."""
    return min(len(result.probabilities), MOST_BARS)


def _is_frame_of_clip(selected: SelectedSlice) -> bool:
    return selected.ref.frame is not None and selected.ref.position_mm is None


def _name(selected: SelectedSlice) -> str:
    """Return the name that readers use: slices count from 0, frames of a clip from 1, as in DICOM."""
    return f"frame {selected.ref.frame}" if _is_frame_of_clip(selected) else f"slice {selected.index}"


def _where(selected: SelectedSlice) -> str:
    """Return the position in the patient or the time, if known."""
    ref = selected.ref
    if ref.position_mm is not None:
        return ", ".join(f"{value:.0f}" for value in ref.position_mm) + " mm"
    return f"{ref.time_ms:.0f} ms" if ref.time_ms is not None else ""


def _shortened(words: str, longest: int) -> str:
    return words if len(words) <= longest else words[: longest - 1] + "\u2026"
