"""Thumbnails that a DICOMweb server draws, converted back to the units of the slices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_das.data.at_once import REQUESTS_AT_ONCE, at_once
from monai_das.data.extremes import with_exact_range
from monai_das.data.source import SliceSource, read_thumbnail
from monai_das.transforms.thumbnails import make_thumbnails

# slices that are fetched whole to learn the range of values and what the server's drawing does to them
PROBES = 5
ROUNDS = 3
# below this correlation with the probes a drawing is not of the values
TRUSTED = 0.95
# drawn larger than asked for, as servers shrink without averaging
OVERSIZE = 2
# a slice burns out where so many of its pixels are drawn black or white
BURNT = 0.01

Window: TypeAlias = "tuple[float, float] | None"
# a slice's index, columns and rows, and lowest and highest value drawn, to what the server draws
Picture: TypeAlias = Callable[[int, "tuple[int, int]", Window], NDArray[np.uint8]]


def drawn_thumbnails(source: SliceSource, picture: Picture, size: int) -> Tensor | None:
    """Return all slices of ``source`` as its server draws them, ``(C, size, size, D)`` in the units of its slices.

    ``picture`` asks the server for a drawing. See :class:`DICOMwebSource` for how; None where the server does not draw,
    or draws something else.
    """
    probes = sorted({round(place) for place in np.linspace(0, len(source) - 1, PROBES)})
    whole = source.read(probes)
    window = _window(whole)
    known = {place: _small(whole[..., number : number + 1], size) for number, place in enumerate(probes)}
    for _ in range(ROUNDS):
        try:
            drawn, burnt = _drawings(source, picture, size, window if source.channels == 1 else None)
        except OSError:
            return None
        # a slice that was fetched is inside the window by its making
        burnt[list(known)] = 0.0
        worst = int(burnt.argmax())
        if source.channels == 3 or float(burnt[worst]) < BURNT:
            break
        more = source.read([worst])
        known[worst] = _small(more, size)
        window = _wider(window, _window(more))
    truth = torch.stack(list(known.values()), dim=-1)
    line = _fitted_line(drawn[..., list(known)], truth)
    if line is None:
        return None
    values = drawn * line[0] + line[1]
    return with_exact_range(values, abs(line[0]), known, lambda place: read_thumbnail(source, place, size))


def _small(one: Tensor, size: int) -> Tensor:
    """Return the thumbnail ``(C, size, size)`` of one slice ``(C, columns, rows, 1)``."""
    return make_thumbnails(one[None], size)[0, ..., 0]


def _drawings(source: SliceSource, picture: Picture, size: int, window: Window) -> tuple[Tensor, Tensor]:
    """Return all slices as drawn, ``(C, size, size, D)`` 0 to 255, and the part of each that burns out."""
    scale = min(1.0, OVERSIZE * size / min(source.plane_shape))
    columns, rows = (max(1, round(side * scale)) for side in source.plane_shape)

    def draw(place: int) -> tuple[Tensor, float]:
        pixels = picture(place, (columns, rows), window)
        burnt = float(((pixels == 0) | (pixels == 255)).mean())
        return make_thumbnails(_planes(pixels, source.channels)[None, ..., None], size)[0], burnt

    thumbnails, burnt = zip(*at_once(draw, range(len(source)), REQUESTS_AT_ONCE), strict=True)
    return torch.cat(thumbnails, dim=-1), torch.tensor(burnt)


def _planes(pixels: NDArray[np.uint8], channels: int) -> Tensor:
    """Return a drawing as ``(C, columns, rows)`` float32; a server may draw grey in colour, and colour in grey."""
    planes = torch.from_numpy(np.atleast_3d(pixels).copy()).permute(2, 1, 0).float()
    return planes[:1] if channels == 1 else planes.expand(3, -1, -1)


def _window(values: Tensor) -> tuple[float, float]:
    """Return the range of ``values``, extended by a tenth of it on either side."""
    low, high = float(values.min()), float(values.max())
    more = 0.1 * max(high - low, 1.0)
    return low - more, high + more


def _wider(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return min(one[0], other[0]), max(one[1], other[1])


def _fitted_line(drawn: Tensor, truth: Tensor) -> tuple[float, float] | None:
    """Return slope and intercept of the line from ``drawn`` to ``truth``; None if no line fits."""
    x, y = drawn.double().flatten(), truth.double().flatten()
    x, y = x - x.mean(), y - y.mean()
    if not (x.norm() > 0 and y.norm() > 0) or abs(float(x @ y / (x.norm() * y.norm()))) < TRUSTED:
        return None
    slope = float(x @ y / (x @ x))
    return slope, float(truth.double().mean() - slope * drawn.double().mean())
