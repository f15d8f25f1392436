"""Write a case as one self-contained web page: every slice, the score curve, the selection and its origin.

This module assembles the files ``page.*`` and ``page.review.*`` (the part that readers fill in) beside it. The page's
own policy forbids any network request.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from string import Template

import numpy as np
import torch
from matplotlib.image import imsave
from numpy.typing import NDArray

import monai_das
from monai_das._atomic import atomic_path
from monai_das.data import Finding, plain_text
from monai_das.inference import CaseResult
from monai_das.reports.json_report import model_as_json

MOST_BYTES = 10_000_000  # of all JPEGs; base64 makes them a third larger
LONGEST_SIDES = (640, 512, 384, 256, 128)
QUALITY = 82
WIDTH, HEIGHT, MARGIN = 1000, 200, 14


def write_html(result: CaseResult, path: Path) -> None:
    """Write ``result`` to ``path`` as one self-contained HTML page, whole or not at all.

    Pictures are JPEGs of at most 640 pixels a side, and smaller if all of them would exceed 10 MB. Slices count from 0,
    frames of a clip from 1.

    Raises:
        ValueError: ``result.pictures`` has no pictures of all slices.
        OSError: ``path`` cannot be written.
    """
    page = Template(_part("html")).substitute(_fields(result))
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _part(suffix: str, name: str = "page") -> str:
    return files(monai_das).joinpath("reports", f"{name}.{suffix}").read_text(encoding="utf-8")


def _fields(result: CaseResult) -> dict[str, object]:
    """Return the values of the template's names, as HTML."""
    noun, first = ("frame", 1) if _is_clip(result) else ("slice", 0)
    stack = result.pictures.stack()
    data = {
        "noun": noun,
        "first": first,
        "start": max(result.selected, key=lambda each: each.score).index,
        "scores": list(result.scores),
        "aspect": stack.shape[2] / (stack.shape[1] * result.pictures.pixel_aspect),
        "review": _review(result),
        "images": [base64.b64encode(image).decode() for image in _jpegs(stack)],
    }
    return {
        "title": escape(f"{result.label_name} - {result.title}"),
        "css": _part("css") + _part("css", "page.review"),
        "js": _part("js"),
        "review": Template(_part("html", "page.review")).substitute(noun=noun),
        "review_js": _part("js", "page.review"),
        "banner": "\n".join(f'<p class="banner" role="alert">{escape(each)}</p>' for each in result.notices),
        "case": escape(result.title),
        "label": escape(result.label_name),
        "probabilities": "\n".join(_probability(result, name) for name in result.probabilities),
        "rule": f'<p class="quiet">{escape(result.rule)}</p>' if result.rule else "",
        "noun": noun,
        "last": result.total_slices - 1,
        "ends": _ends(result, noun, first),
        "count": len(result.selected),
        "total": result.total_slices,
        "curve": _curve(result),
        "selected": "\n".join(
            f'<button type="button" data-index="{each.index}">{noun} {each.index + first}'
            f"<br><small>{each.score:.3g}</small></button>"
            for each in result.selected
        ),
        "matrix": _matrix(result),
        "provenance": "\n".join(
            f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in _facts(result)
        ),
        # a "<" in a name must not end the script element
        "data": json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
    }


def _review(result: CaseResult) -> dict[str, object]:
    """Return what the page needs to write a ``ReaderVerdict`` (``monai_das.review``)."""
    return {
        "case_id": result.case_id,
        "group": result.group or result.case_id,
        "classes": list(result.probabilities),
        "unsure": "unsure",
        "label": result.label,
        "selected": [each.index for each in result.selected],
        "model": model_as_json(result.model),
    }


def _is_clip(result: CaseResult) -> bool:
    ref = result.selected[0].ref
    return ref.frame is not None and ref.position_mm is None


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
        f'aria-label="score of every slice">{marks}<polyline points="{line}"/>'
        f'<line id="cursor" x1="0" x2="0" y1="0" y2="{HEIGHT}"/></svg>'
    )


def _ends(result: CaseResult, noun: str, first: int) -> str:
    """Return the labels at the ends of the curve's axes."""
    low, high = min(result.scores), max(result.scores)
    return (
        f"<span>{noun} {first}</span><span>scores from {low:.3g} to {high:.3g}</span>"
        f"<span>{noun} {result.total_slices - 1 + first}</span>"
    )


def _matrix(result: CaseResult) -> str:
    """Return the sampling matrix (k, D) as an SVG, one unit per cell."""
    cells = "".join(
        f'<rect x="{column}" y="{row}" width="1" height="1"/>' for row, column in enumerate(result.sampling_indices)
    )
    return (
        f'<svg id="matrix" viewBox="0 0 {result.total_slices} {len(result.sampling_indices)}" '
        f'preserveAspectRatio="none" shape-rendering="crispEdges" role="img" aria-label="sampling matrix">{cells}</svg>'
    )


def _facts(result: CaseResult) -> Sequence[tuple[str, object]]:
    model = result.model
    return (
        ("Model", f"{model.name} {model.version}"),
        *([("Intended use", model.intended_use)] if model.intended_use else []),
        ("Weights, SHA-256", model.weights_sha256),
        ("Written by", f"monai-das {monai_das.__version__}"),
        ("Source", result.source_kind),
        ("Seen by the network", f"{len(result.selected)} of {result.total_slices}"),
        ("Time", f"{result.timings.total:.0f} ms"),
        *(("Warning", plain_text(warning)) for warning in result.warnings),
    )


def _jpegs(stack: NDArray[np.uint8]) -> list[bytes]:
    """Return each of ``stack`` ``(D, rows, columns[, 3])`` as a JPEG, as large as the limit for all allows."""
    images: list[bytes] = []
    for longest in LONGEST_SIDES:
        images = []
        for image in stack:
            images.append(_jpeg(image, longest))
            if sum(map(len, images)) > MOST_BYTES:
                break
        else:
            return images
    raise ValueError(Finding(f"{len(stack)} slices are too many for one page; write JSON and the montage instead"))


def _jpeg(image: NDArray[np.uint8], longest: int) -> bytes:
    shrink = longest / max(image.shape[:2])
    if shrink < 1:
        planes = torch.from_numpy(np.atleast_3d(image).copy()).permute(2, 0, 1)[None].float()
        size = [max(1, round(side * shrink)) for side in image.shape[:2]]
        smaller = torch.nn.functional.interpolate(planes, size=size, mode="area")[0].permute(1, 2, 0)
        image = smaller.round().to(torch.uint8).numpy()
        image = image if image.shape[2] == 3 else image[..., 0]
    stream = BytesIO()
    imsave(stream, image, cmap="gray", vmin=0, vmax=255, format="jpeg", pil_kwargs={"quality": QUALITY})
    return stream.getvalue()
