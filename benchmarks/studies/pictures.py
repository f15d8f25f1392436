"""``python -m benchmarks pictures``: what the pictures of a case cost, beside inference and beside matplotlib."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from matplotlib.figure import Figure

from benchmarks.studies.io import phantom, seconds
from monai_das.data import KeptSource, open_source
from monai_das.datasets import write_dicom_series
from monai_das.inference import CaseResult, Predictor
from monai_das.reports import write_html, write_montage
from monai_das.reports.drawing import CaseDrawing

# columns, inches and dots per inch of the picture that one axes per slice used to make
COLUMNS, WIDTH, DPI = 8, 10.0, 120
PROMISE = 0.1  # of what one matplotlib axes for each slice costs


def run_pictures(bundle: str, depth: int = 300, side: int = 512, rounds: int = 7) -> tuple[str, bool]:
    """Return the table with one JSON object as its last line, and whether a montage costs a tenth of matplotlib's.

    The case is a made-up CT of ``depth`` slices as a DICOM series. CPU seconds with one thread, in turns; the least
    counts. Both pictures show the same slices, which are in memory, at the same size.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with TemporaryDirectory() as root:
        folder, png, page = Path(root) / "series", Path(root) / "case.png", Path(root) / "case.html"
        write_dicom_series(phantom(side, depth), folder, spacing=(0.7, 0.7, 1.0))
        predictor = Predictor(bundle, accept_any_input=True)
        source = KeptSource(open_source(folder), previews=True)
        result = predictor.predict(source)
        ways = {
            "inference": lambda: predictor.predict(open_source(folder)),
            "montage": lambda: write_montage(result, source, png),
            "one matplotlib axes per slice": lambda: drawn_by_matplotlib(result, source, png.with_stem("axes")),
            "page": lambda: write_html(result, source, page),
        }
        taken = {name: min(seconds(way) for _ in range(rounds if name != "page" else 2)) for name, way in ways.items()}
        sizes = {"montage": png, "one matplotlib axes per slice": png.with_stem("axes"), "page": page}
        bytes_of = {name: path.stat().st_size for name, path in sizes.items()}
    torch.set_num_threads(threads)
    lines = [f"{len(result.selected)} of {depth} slices of {side} x {side}\n", "| what | CPU s | MB |", "|---|---|---|"]
    lines += [f"| {name} | {value:.3f} | {bytes_of.get(name, 0) / 1e6:.2f} |" for name, value in taken.items()]
    axes = taken["montage"] / taken["one matplotlib axes per slice"]
    figures = {
        "montage_of_matplotlib": round(axes, 3),
        "montage_of_inference": round(taken["montage"] / taken["inference"], 3),
        "page_mb": round(bytes_of["page"] / 1e6, 2),
        "page_s": round(taken["page"], 3),
    }
    return "\n".join([*lines, json.dumps(figures)]), axes <= PROMISE


def drawn_by_matplotlib(result: CaseResult, source: KeptSource, path: Path) -> None:
    """Write ``result`` as the montage was drawn up to version 0.1: a PNG of its size, with one axes for each slice."""
    drawing = CaseDrawing(result, source)
    chosen, rows = drawing.chosen, -(-len(drawing.chosen) // COLUMNS)
    height = 4.2 + 1.64 * rows
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    places = [divmod(place, COLUMNS) for place in range(len(chosen))]
    for (row, column), picture, each in zip(
        places, drawing.pictures(chosen, max(drawing.size)), result.selected, strict=True
    ):
        box = (0.045 + 0.115 * column, 1 - (1.1 + 1.64 * row + 1.04) / height, 0.104, 1.04 / height)
        axes = figure.add_axes(box)
        axes.imshow(np.asarray(picture), cmap="gray", vmin=0, vmax=255)
        axes.set(xticks=[], yticks=[])
        for line, words in enumerate((each.ref.name, f"score {each.score:.3g}", f"{each.ref.position_mm}"[:20])):
            axes.annotate(words, (0, 0), (0, -12 * (line + 1)), xycoords="axes fraction", textcoords="offset points")
    bars = figure.add_axes((0.7, 1 - 0.8 / height, 0.2, 0.4 / height))
    for place, value in enumerate(result.probabilities.values()):
        bars.barh(place, value)
        bars.text(1.03, place, f"{value:.1%}")
    upper = figure.add_axes((0.09, 1.6 / height, 0.86, 1.05 / height))
    upper.stairs(result.scores, fill=True)
    upper.bar(np.array(chosen) + 0.5, [result.scores[index] for index in chosen], width=1.0)
    lower = figure.add_axes((0.09, 0.7 / height, 0.86, 0.8 / height))
    lower.imshow(np.asarray(drawing.side_view()), cmap="gray", aspect="auto")
    for index in chosen:
        lower.axvspan(index - 0.5, index + 0.5, alpha=0.45)
    for axes, words in ((upper, "score"), (lower, "side view")):
        axes.set_ylabel(words)
    for line, words in enumerate((result.title, result.label_name, result.model.name)):
        figure.text(0.05, 0.97 - 0.03 * line, words)
    figure.savefig(path)
