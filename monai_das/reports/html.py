"""Write a case as one self-contained web page: every slice, the scores, the selection, and a form for the reader.

This module assembles the files ``page.*`` beside it. The page's own policy forbids any network request.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import torch
from PIL import Image

import monai_das
from monai_das._atomic import atomic_path
from monai_das.data import Finding, SliceSource, plain_text
from monai_das.inference import CaseResult
from monai_das.reports.colours import DARK, LIGHT
from monai_das.reports.drawing import CaseDrawing
from monai_das.reports.json_report import model_as_json
from monai_das.reports.packing import packed

MOST_CHARACTERS = 24_000_000  # of all pictures, in base64
# longest sides of slices with all values and of previews, until all fit
SIDES = ((1024, 256), (768, 192), (512, 128), (256, 96), (128, 64))
QUALITY, COLOUR_QUALITY = 80, 92
WIDTH, HEIGHT, MARGIN = 1000, 200, 14


def write_html(result: CaseResult, source: SliceSource, path: Path) -> None:
    """Write ``result`` to ``path`` as one self-contained HTML page, whole or not at all.

    The selected slices and a neighbour on each side have all their values, at most 1024 pixels a side, and a window
    that the reader moves. The others are previews of at most 256 pixels in one window. Both are smaller if the page
    would exceed 25 MB. What the network saw is there too.

    Raises:
        ValueError: there are too many slices for one page, or pixels cannot be decoded.
        OSError: ``path`` cannot be written.
    """
    page = Template(_part("html")).substitute(_fields(result, CaseDrawing(result, source)))
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _part(suffix: str) -> str:
    return files(monai_das).joinpath("reports", f"page.{suffix}").read_text(encoding="utf-8")


def _fields(result: CaseResult, drawing: CaseDrawing) -> dict[str, object]:
    """Return the values of the template's names, as HTML."""
    noun = "frame" if result.refs[0].in_clip else "slice"
    letters = zip(("left", "right", "top", "bottom"), drawing.hanging.letters, strict=False)
    return {
        "title": escape(f"{result.label_name} - {result.title}"),
        "css": Template(_part("css")).substitute(light=_colours(LIGHT), dark=_colours(DARK)),
        "js": _part("js"),
        "banner": "\n".join(f'<p class="banner" role="alert">{escape(each)}</p>' for each in result.notices),
        "case": escape(result.title),
        "label": escape(result.label_name),
        "probabilities": "\n".join(_probability(result, name) for name in result.probabilities),
        "rule": f'<p class="quiet">{escape(result.rule)}</p>' if result.rule else "",
        "noun": noun,
        "last": result.total_slices - 1,
        "letters": "".join(f'<span class="{edge}">{letter}</span>' for edge, letter in letters),
        "windows": "\n".join(
            f'<button type="button" data-window="{place}">{escape(each.name)}</button>'
            for place, each in enumerate(drawing.windows)
        ),
        "colour": "hidden" if drawing.source.channels == 3 else "",
        "ends": _ends(result),
        "count": len(result.selected),
        "total": result.total_slices,
        "curve": _curve(result),
        "selected": "\n".join(_card(result, place, noun) for place in range(len(result.selected))),
        "classes": "\n".join(
            f'<label><input type="radio" name="class" value="{place}" required> {escape(name)} <kbd>{key}</kbd></label>'
            for place, name, key in _classes(result)
        ),
        "matrix": _matrix(result),
        "provenance": "\n".join(
            f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in _facts(result, drawing)
        ),
        # a "<" in a name must not end the script element
        "data": json.dumps(_data(result, drawing), allow_nan=False).replace("<", "\\u003c"),
    }


def _data(result: CaseResult, drawing: CaseDrawing) -> dict[str, object]:
    """Return what ``page.js`` reads."""
    return {
        "names": [ref.name for ref in result.refs],
        "start": max(result.selected, key=lambda each: each.score).index,
        "scores": list(result.scores),
        "selected": drawing.chosen,
        "aspect": drawing.size[0] / drawing.size[1],
        "windows": [[each.name, each.low, each.high, each.shades] for each in drawing.windows],
        "network": dict(zip(drawing.chosen, _network(result), strict=True)),
        "review": _review(result),
        **_pictures(drawing),
    }


def _colours(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


def _pictures(drawing: CaseDrawing) -> dict[str, Any]:
    """Return ``previews`` of all slices and the ``full`` ones by index, as large as the limit for all allows."""
    last = len(drawing.result.refs) - 1
    near = sorted({min(max(index + step, 0), last) for index in drawing.chosen for step in (-1, 0, 1)})
    for longest, side in SIDES:
        left, full, previews = MOST_CHARACTERS, {}, []
        for index, part in zip(near, _full(drawing, near, longest), strict=True):
            full[index] = part
            left -= len(part["data"])
            if left < 0:
                break
        for picture in drawing.previews(side) if left >= 0 else ():
            previews.append(_encoded(picture, "jpeg", quality=QUALITY))
            left -= len(previews[-1])
            if left < 0:
                break
        if left >= 0:
            return {"previews": previews, "full": full, "preview_side": min(side, drawing.source.preview_side)}
    raise ValueError(Finding(f"{last + 1} slices are too many for one page; write JSON and the montage instead"))


def _full(drawing: CaseDrawing, indices: Sequence[int], longest: int) -> Iterator[dict[str, Any]]:
    """Yield each of ``indices`` with all its values; colour as a picture."""
    for values in drawing.values(indices, longest):
        if values.ndim == 3:
            picture = Image.fromarray(drawing.windows[0](torch.from_numpy(values)).numpy())
            yield {"data": _encoded(picture, "jpeg", quality=COLOUR_QUALITY)}
            continue
        offset, step, content = packed(values)
        size = {"rows": values.shape[0], "columns": values.shape[1]}
        yield {**size, "offset": offset, "step": step, "data": base64.b64encode(content).decode()}


def _network(result: CaseResult) -> Iterator[str]:
    for image in result.network_view.slices:
        yield _encoded(Image.fromarray(np.ascontiguousarray(image)), "png")


def _encoded(picture: Image.Image, kind: str, **settings: Any) -> str:
    stream = BytesIO()
    picture.save(stream, kind, **settings)
    return base64.b64encode(stream.getvalue()).decode()


def _review(result: CaseResult) -> dict[str, object]:
    """Return what the page needs to write a ``ReaderVerdict`` (``monai_das.review``)."""
    return {
        "case_id": result.case_id,
        "group": result.group or result.case_id,
        "classes": list(result.probabilities),
        "unsure": "unsure",
        "model": model_as_json(result.model),
    }


def _classes(result: CaseResult) -> list[tuple[int, str, str]]:
    """Return place, name and key of every class, and of "unsure", for which 0 is the key."""
    names = list(result.probabilities)
    known = [(place, name, str(place + 1) if place < 9 else "") for place, name in enumerate(names)]
    return [*known, (len(names), "unsure", "0")]


def _card(result: CaseResult, place: int, noun: str) -> str:
    """Return a selected slice: a button that shows it, and what the reader may say of it."""
    index, name = result.selected[place].index, result.selected[place].ref.name
    choices = "".join(
        f'<label><input type="radio" name="slice-{index}" value="{word}"> {word}</label>'
        for word in ("confirm", "reject")
    )
    return (
        f'<fieldset><legend class="unseen">{noun} {name}</legend>'
        f'<button type="button" data-index="{index}"><img alt=""><span>{name}<br>'
        f"<small>score {result.selected[place].score:.3g}</small></span></button>{choices}</fieldset>"
    )


def _probability(result: CaseResult, name: str) -> str:
    value = result.probabilities[name]
    mark = ' class="predicted"' if name == result.label_name else ""
    return (
        f'<li{mark}><span>{escape(name)}</span><span class="track"><i style="width:{value:.2%}"></i></span>'
        f'<span class="number">{value:.1%}</span></li>'
    )


def _curve(result: CaseResult) -> str:
    """Return the scores of all slices as an SVG, with a vertical mark at each selected slice."""
    low, high = min(result.scores), max(result.scores)
    scale = (HEIGHT - 2 * MARGIN) / ((high - low) or 1.0)
    step = WIDTH / result.total_slices
    points = [
        (step * (place + 0.5), HEIGHT - MARGIN - scale * (score - low)) for place, score in enumerate(result.scores)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    marks = "".join(
        f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{HEIGHT}" y2="{y:.1f}"/>'
        for x, y in (points[each.index] for each in result.selected)
    )
    return (
        f'<svg id="curve" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="score of every slice, {low:.3g} to {high:.3g}">{marks}<polyline points="{line}"/>'
        f'<line id="cursor" x1="0" x2="0" y1="0" y2="{HEIGHT}"/></svg>'
    )


def _ends(result: CaseResult) -> str:
    """Return the labels at the ends of the curve's axes."""
    low, high = min(result.scores), max(result.scores)
    first, last = result.refs[0].name, result.refs[-1].name
    return f"<span>{first}</span><span>scores from {low:.3g} to {high:.3g}</span><span>{last}</span>"


def _matrix(result: CaseResult) -> str:
    """Return the sampling matrix (k, D) as an SVG, one unit per cell."""
    cells = "".join(
        f'<rect x="{column}" y="{row}" width="1" height="1"/>' for row, column in enumerate(result.sampling_indices)
    )
    return (
        f'<svg id="matrix" viewBox="0 0 {result.total_slices} {len(result.sampling_indices)}" '
        f'preserveAspectRatio="none" shape-rendering="crispEdges" role="img" aria-label="sampling matrix">{cells}</svg>'
    )


def _facts(result: CaseResult, drawing: CaseDrawing) -> Sequence[tuple[str, object]]:
    model = result.model
    return (
        ("Model", f"{model.name} {model.version}"),
        *([("Intended use", model.intended_use)] if model.intended_use else []),
        ("Weights, SHA-256", f"{model.weights_sha256}{model.run_by}"),
        ("Written by", f"monai-das {monai_das.__version__}"),
        ("Source", result.source_kind),
        ("Drawn in the window", str(drawing.windows[0])),
        ("Seen by the network", f"{len(result.selected)} of {result.total_slices}"),
        ("Time", f"{result.timings.total:.0f} ms"),
        *(("Warning", plain_text(warning)) for warning in result.warnings),
    )
