"""The one place where slices are drawn: from the source, in its window and its true shape, with letters and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

import monai_das
from monai_das.data import KeptSource, SliceSource, VolumeCase, WholeSource
from monai_das.data.dicom import pixel_aspect
from monai_das.data.kept import LONGEST_SIDE, reduced
from monai_das.data.source import as_image
from monai_das.inference import CaseResult
from monai_das.inference.hanging import Hanging
from monai_das.reports.window import Window, windows

CHUNK = 16
# by which the window is chosen
MOST_VALUES = 1 << 16


class CaseDrawing:
    """The slices of a case, as their viewer shows them: upright, with all their values, and as pictures.

    Args:
        result: the case.
        source: the study that ``result`` was made from. What a :class:`~monai_das.data.KeptSource` keeps is not read
            again.

    Attributes:
        windows: the one in which slices are shown, then others, see :func:`~monai_das.reports.window.windows`.
        hanging: how slices are turned, the shape of their pixels, and the letters at their edges.
        size: width and height of a slice whose pixels are square and as wide as those of the source.
    """

    def __init__(self, result: CaseResult, source: SliceSource) -> None:
        if result.axis != 2:
            source = _along(source, result)
        self.source = source if isinstance(source, KeptSource) else KeptSource(source)
        self.result = result
        self.chosen = [each.index for each in result.selected]
        tags = source.pixel_header(0)
        self.hanging = Hanging.of(source.affine, 1.0 if tags is None else pixel_aspect(tags))
        columns, rows = source.plane_shape[::-1] if self.hanging.first_down else source.plane_shape
        self.size = (columns, max(1, round(rows * self.hanging.pixel_aspect)))
        self.source.keep(self.chosen)
        sample, made_for = np.concatenate(list(self._samples())), (result.model.modality, result.model.body_part)
        self.windows = windows(self.source, self.chosen, sample, made_for)

    def values(self, indices: Sequence[int], longest: int = LONGEST_SIDE) -> Iterator[NDArray[np.float32]]:
        """Yield each of ``indices`` upright with all its values, ``(rows, columns)`` or RGB, at most 1024 a side.

        Few are in memory at a time.
        """
        for start in range(0, len(indices), CHUNK):
            for image in self.source.large(indices[start : start + CHUNK]):
                yield self._upright(reduced(image, longest)).numpy()

    def pictures(self, indices: Sequence[int], side: int, *, named: bool = False) -> Iterator[Image.Image]:
        """Yield each of ``indices`` as a picture in the window, with the letters of its directions, its pixels square.

        Args:
            indices: slices.
            side: the longer one of a picture, in pixels.
            named: also write its name on it, as viewers call it.
        """
        letters = None
        for place, index in enumerate(indices):
            if place % CHUNK == 0:
                images = self.source.large(indices[place : place + CHUNK])
            picture = self.picture(images[place % CHUNK], side)
            letters = letters or self._letters(picture.size)
            picture.paste(*letters)
            if named:
                name, size = self.result.refs[index].name, text_size(picture.size)
                ink, edge = ((255,) * len(picture.getbands()), (0,) * len(picture.getbands()))
                ImageDraw.Draw(picture).text((3, 2), name, ink, font(size), stroke_width=1, stroke_fill=edge)
            yield picture

    def previews(self, side: int) -> Iterator[Image.Image]:
        """Yield all slices as pictures in the window, at most ``side`` pixels a side, from the source's previews."""
        for image in self.source.previews().unbind(-1):
            yield self.picture(image, min(side, self.source.preview_side))

    def side_view(self) -> Image.Image:
        """Return the brightest pixel of each line in each slice, lines by slices, from the darkest to the brightest."""
        small = self.source.overview().mean(dim=0, keepdim=True)
        brightest = self.hanging(small)[0].amax(dim=1)
        low, high = float(brightest.min()), float(brightest.max())
        return Image.fromarray(Window("all values", low, high if high > low else low + 1.0)(brightest).numpy())

    def _letters(self, size: tuple[int, int]) -> tuple[Image.Image, tuple[int, int], Image.Image]:
        """Return the letters of the directions, white with a black edge, as what ``paste`` takes."""
        (width, height), letters = size, Image.new("LA", size)
        draw = ImageDraw.Draw(letters)
        places = (((2, height / 2), "lm"), ((width - 2, height / 2), "rm"), ((width / 2, 2), "ma"))
        for text, (place, anchor) in zip(
            self.hanging.letters, (*places, ((width / 2, height - 2), "md")), strict=False
        ):
            settings: Any = {"stroke_width": 1, "stroke_fill": (0, 255)}
            draw.text(place, text, (255, 255), font(text_size(size)), anchor, **settings)
        return letters.getchannel("L"), (0, 0), letters.getchannel("A")

    def _samples(self) -> Iterator[NDArray[np.float32]]:
        """Yield some values of every selected slice."""
        for image in self.source.large(self.chosen):
            step = max(1, round((image.numel() * len(self.chosen) / MOST_VALUES) ** 0.5))
            yield image[:, ::step, ::step].flatten().numpy()

    def _upright(self, image: Tensor) -> Tensor:
        upright = self.hanging(image).permute(1, 2, 0)
        return upright if upright.size(2) == 3 else upright[..., 0]

    def picture(self, image: Tensor, side: int) -> Image.Image:
        """Return ``image`` ``(C, columns, rows)`` of the source as a picture in the window, ``side`` pixels long."""
        picture = Image.fromarray(self._upright(self.windows[0](image)).contiguous().numpy())
        width, height = (max(1, round(length * side / max(self.size))) for length in self.size)
        size = (width, height)
        return picture if size == picture.size else picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=1.0)


def _along(source: SliceSource, result: CaseResult) -> SliceSource:
    """Return ``source`` read whole, its slices along the axis of ``result``."""
    image = source.read_all()
    axes = [axis for axis in range(3) if axis != result.axis] + [result.axis]
    values = image.as_tensor().permute(0, *(axis + 1 for axis in axes))
    affine = source.full_affine()[:, [*axes, 3]]
    turned = as_image(values.numpy(), affine, source.name)
    return WholeSource(VolumeCase(turned, result.refs, source.kind, source.affine is not None), source.name)


def text_size(size: tuple[int, int]) -> int:
    """Return the height of texts on a picture of this width and height."""
    return max(11, min(size) // 24)


@cache
def font(size: float) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans of ``size`` pixels: Latin, Greek and Cyrillic."""
    content = files(monai_das).joinpath("reports", "dejavu_sans.ttf").read_bytes()
    return ImageFont.truetype(BytesIO(content), size, layout_engine=ImageFont.Layout.BASIC)
