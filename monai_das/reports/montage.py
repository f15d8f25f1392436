"""Draw a case as one picture: the selected slices, their scores, and their places in the volume."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from monai_das._atomic import atomic_path
from monai_das.data import SliceRef, SliceSource
from monai_das.inference import CaseResult, SelectedSlice
from monai_das.reports.colours import LIGHT
from monai_das.reports.drawing import CaseDrawing, font
from monai_das.reports.png import png_bytes

# all lengths in pixels
WIDTH, MARGIN, GAP = 1200, 54, 15
CAPTION, CHART, SIDE_VIEW, FOOTER = 60, 126, 96, 64
MOST_COLUMNS, MOST_BARS, BAR = 8, 5, 22
BANNER_LINE, LETTERS = 22, 118  # of a line in the banner: its height, and what it holds
INK, QUIET, BARS, SELECTED, SELECTED_INK = (LIGHT[each] for each in ("ink", "quiet", "bar", "selected", "selected-ink"))


def write_montage(result: CaseResult, source: SliceSource, path: Path) -> None:
    """Write ``result`` to ``path`` as a PNG 1200 pixels wide, whole or not at all.

    From top to bottom: notices on a red banner; the prediction and all probabilities; the selected slices, drawn from
    ``source`` in its window, each with its name and score; the scores of all slices, the selected ones in orange; a
    side view of the volume on the same axis.

    Args:
        result: the case.
        source: the study that it was made from.
        path: the PNG to write.

    Raises:
        ValueError: the pixels of a selected slice cannot be decoded.
        OSError: ``path`` cannot be written.
    """
    content = png_bytes(montage_pixels(result, source))
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def montage_pixels(result: CaseResult, source: SliceSource) -> NDArray[np.uint8]:
    """Return the picture of :func:`write_montage` as ``(rows, columns, 3)``, RGB."""
    return np.asarray(_drawn(result, CaseDrawing(result, source)))


def _drawn(result: CaseResult, drawing: CaseDrawing) -> Image.Image:
    columns = min(max(len(result.selected), 4), MOST_COLUMNS)
    step = (WIDTH - 2 * MARGIN + GAP) / columns
    side = int(step) - GAP
    lines = [line for notice in result.notices for line in textwrap.wrap(notice, LETTERS, break_on_hyphens=False)]
    banner = BANNER_LINE * (len(lines) + 1) if lines else 0
    tiles = banner + max(131, 60 + BAR * _bars(result))
    chart = tiles + math.ceil(len(result.selected) / columns) * (side + CAPTION) + 18
    picture = Image.new("RGB", (WIDTH, chart + CHART + SIDE_VIEW + 60 + FOOTER), LIGHT["paper"])
    draw = ImageDraw.Draw(picture)
    if lines:
        draw.rectangle((0, 0, WIDTH, banner - 1), LIGHT["alarm"])
        draw.multiline_text((MARGIN, 9), "\n".join(lines), "white", font(15), spacing=6)
    _draw_header(draw, result, banner)
    width = draw.textlength(max((each.ref.name for each in result.selected), key=len), font(14))
    name_font = font(min(14.0, int(28 * side / width) / 2))
    for place, tile in enumerate(drawing.pictures(drawing.chosen, side)):
        row, column = divmod(place, columns)
        left, top = int(MARGIN + column * step), tiles + row * (side + CAPTION)
        draw.rectangle((left, top, left + side - 1, top + side - 1), "black")
        picture.paste(tile, (left + (side - tile.width) // 2, top + (side - tile.height) // 2))
        _draw_caption(draw, result.selected[place], (left, top + side), name_font)
    _draw_scores(picture, drawing, chart)
    model = result.model
    words = (
        "not a medical device   |   "
        f"{len(result.selected)} of {result.total_slices} {_noun(result.refs[0])}s seen   |   window: "
        f"{drawing.windows[0]}   |   {model.name} {model.version}, weights {model.weights_sha256[:12]}{model.run_by}"
    )
    draw.text((MARGIN, picture.height - 36), _shortened(words, 170), QUIET, font(13))
    return picture


def _draw_header(draw: ImageDraw.ImageDraw, result: CaseResult, top: int) -> None:
    """Case, label and one bar per class, likeliest first."""
    draw.text((MARGIN, top + 36), _shortened(result.title, 60), QUIET, font(18))
    draw.text((MARGIN, top + 60), _shortened(result.label_name, 28), INK, font(36), stroke_width=0.6)
    draw.text((MARGIN, top + 108), _shortened(result.rule, 80), QUIET, font(13))
    likeliest = sorted(result.probabilities.items(), key=lambda item: -item[1])[: _bars(result)]
    left, right = WIDTH - MARGIN - 348, WIDTH - MARGIN - 72
    for place, (name, value) in enumerate(likeliest):
        middle = top + 47 + BAR * place
        draw.rectangle((left, middle - 7, right, middle + 7), LIGHT["soft"])
        end = left + (right - left) * value
        draw.rectangle((left, middle - 7, end, middle + 7), SELECTED if name == result.label_name else BARS)
        draw.text((left - 8, middle), _shortened(name, 28), INK, font(15), "rm")
        draw.text((right + 8, middle), f"{value:.1%}", INK, font(15), "lm")


def _draw_caption(
    draw: ImageDraw.ImageDraw, selected: SelectedSlice, corner: tuple[int, int], name_font: ImageFont.FreeTypeFont
) -> None:
    """Name, score and place of a selected slice, below it."""
    left, top = corner
    draw.text((left, top + 4), selected.ref.name, INK, name_font)
    draw.text((left, top + 22), f"score {selected.score:.3g}", SELECTED_INK, font(13))
    draw.text((left, top + 40), _where(selected.ref), QUIET, font(12))


def _draw_scores(picture: Image.Image, drawing: CaseDrawing, top: int) -> None:
    """The score of every slice above the volume seen from the side, on one axis."""
    result, draw = drawing.result, ImageDraw.Draw(picture, "RGBA")
    left, right = MARGIN + 54, WIDTH - MARGIN
    step = (right - left) / result.total_slices
    low, high = min(result.scores), max(result.scores)
    scale = (CHART - 12) / (1.08 * ((high - low) or 1.0))
    view = drawing.side_view().resize((right - left, SIDE_VIEW), Image.Resampling.NEAREST)
    picture.paste(view, (left, top + CHART + 6))
    orange = ImageColor.getrgb(SELECTED)
    for index, score in enumerate(result.scores):
        ends = (left + step * index, left + step * (index + 1) - (1 if step > 3 else 0))
        chosen = index in drawing.chosen
        height = scale * (score - low + 0.08 * ((high - low) or 1.0))
        draw.rectangle((ends[0], top + CHART - height, ends[1], top + CHART), orange if chosen else BARS)
        if chosen:
            draw.rectangle((ends[0], top + CHART + 6, ends[1], top + CHART + 5 + SIDE_VIEW), (*orange, 115))
    for score in (low, high):
        draw.text((left - 6, top + CHART - scale * (score - low)), f"{score:.3g}", QUIET, font(13), "rm")
    draw.text((MARGIN, top + CHART // 2), "score", QUIET, font(14), "lm")
    draw.text((MARGIN, top + CHART + SIDE_VIEW // 2), "side\nview", QUIET, font(14), "lm")
    bottom = top + CHART + SIDE_VIEW + 12
    for place, anchor in ((0, "la"), (-1, "ra")):
        draw.text((left if place == 0 else right, bottom), result.refs[place].name, QUIET, font(13), anchor)
    words = "frames in time" if result.refs[0].in_clip else "slices in the source's own order"
    draw.text(((left + right) / 2, bottom), words, QUIET, font(13), "ma")


def _bars(result: CaseResult) -> int:
    """Return how many classes get a bar."""
    return min(len(result.probabilities), MOST_BARS)


def _noun(ref: SliceRef) -> str:
    return "frame" if ref.in_clip else "slice"


def _where(ref: SliceRef) -> str:
    """Return the position in the patient or the time, if known."""
    if ref.position_mm is not None:
        return ", ".join(f"{value:.0f}" for value in ref.position_mm) + " mm"
    return f"{ref.time_ms:.0f} ms" if ref.time_ms is not None else ""


def _shortened(words: str, longest: int) -> str:
    return words if len(words) <= longest else words[: longest - 1] + "\u2026"
