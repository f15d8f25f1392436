"""What the page is made of: grey values that come back exactly, and colours that can be told apart."""

import re
import zlib
from importlib.resources import files

import numpy as np
import pytest

from monai_das.reports.colours import DARK, LIGHT, contrast
from monai_das.reports.packing import packed

# each mark and what it lies on: 3:1 for marks and edges of controls, 4.5:1 for texts
MARKS = [
    ("bar", "paper"),
    ("bar", "soft"),
    ("selected", "paper"),
    ("selected", "soft"),
    ("line", "paper"),
    ("line", "soft"),
]
TEXTS = [("ink", "paper"), ("ink", "soft"), ("quiet", "paper"), ("selected-ink", "paper"), ("selected-ink", "soft")]


def unpacked(offset, step, content, shape):
    """What page.js does, word by word."""
    planes = np.frombuffer(zlib.decompress(content), np.uint8).astype(int)
    count = shape[0] * shape[1]
    values = np.zeros(shape, int)
    for row in range(shape[0]):
        for column in range(shape[1]):
            left = values[row, column - 1] if column else 0
            above = values[row - 1, column] if row else 0
            corner = values[row - 1, column - 1] if row and column else 0
            middle = min(max(left + above - corner, min(left, above)), max(left, above))
            place = row * shape[1] + column
            folded = planes[place] | planes[count + place] << 8
            values[row, column] = (middle + ((folded >> 1) ^ -(folded & 1))) & 65535
    return offset + step * values


@pytest.mark.parametrize("low", [0, -32768, -1024, 30000])
@pytest.mark.parametrize("span", [0, 1, 255, 4095, 65535])
def test_whole_numbers_come_back_exactly(low, span):
    values = (low + np.random.RandomState(0).randint(0, span + 1, (9, 13))).astype(np.float32)

    assert np.array_equal(unpacked(*packed(values), values.shape), values)


@pytest.mark.parametrize(
    "values", [np.random.RandomState(0).randn(7, 5), np.arange(20.0).reshape(4, 5) * 1e5, np.full((2, 3), 0.25)]
)
def test_other_numbers_come_back_to_a_part_of_their_range(values):
    values = values.astype(np.float32)

    assert unpacked(*packed(values), values.shape) == pytest.approx(
        values, abs=float(max(np.ptp(values), 1e-9)) / 131070 * 1.001
    )


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_mark_has_a_contrast_of_3_and_every_text_of_4_5(colours):
    assert {
        pair: contrast(*(colours[name] for name in pair))
        for pair in MARKS
        if contrast(*(colours[name] for name in pair)) < 3
    } == {}
    assert {
        pair: contrast(*(colours[name] for name in pair))
        for pair in TEXTS
        if contrast(*(colours[name] for name in pair)) < 4.5
    } == {}
    assert contrast(colours["selected"], "#000000") >= 3
    assert contrast("#ffffff", colours["alarm"]) >= 4.5


def test_the_page_has_no_colours_but_these_and_those_of_the_picture():
    style = files("monai_das").joinpath("reports", "page.css").read_text(encoding="utf-8")

    assert set(re.findall(r"(?<=[: ])#[0-9a-f]{3,6}\b", style)) == {"#000", "#fff"}
    assert set(re.findall(r"var\(--([a-z-]+)\)", style)) - {"aspect", "most"} <= set(LIGHT)
