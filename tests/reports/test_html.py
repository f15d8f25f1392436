import base64
import json
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from monai_das.inference import CasePictures
from monai_das.reports import html, write_html


def page_of(result, tmp_path):
    write_html(result, tmp_path / "case.html")
    return (tmp_path / "case.html").read_text(encoding="utf-8")


def data_of(page):
    return json.loads(re.search(r'id="case">(.*?)</script>', page, re.DOTALL).group(1))


def pictures(stack, **changes):
    return CasePictures(stack[:2], stack[0], make_stack=lambda: stack, **changes)


def test_the_page_holds_all_slices_and_asks_for_nothing_else(result, tmp_path):
    page = page_of(result, tmp_path)
    data = data_of(page)

    images = [Image.open(BytesIO(base64.b64decode(each))) for each in data["images"]]

    without_data = page.replace(re.search(r'id="case">(.*?)</script>', page).group(1), "")
    assert [each.size for each in images] == [(30, 20)] * 12
    assert data["scores"] == list(result.scores)
    assert re.findall(r"(?:https?:|//\w|url\(|@import|src=)\S*", without_data) == []
    assert "default-src 'none'" in page
    assert "$" not in page.replace(html._part("js"), "").replace(html._part("js", "page.review"), "")


def test_choice_probabilities_and_origin_are_on_the_page(result, tmp_path):
    page = page_of(result, tmp_path)

    assert re.findall(r'data-index="(\d+)">(\w+ \d+)', page) == [("3", "slice 3"), ("7", "slice 7")]
    assert page.count('class="mark"') == 2
    low, high = (f"{found(result.scores):.3g}" for found in (min, max))
    assert f"<span>slice 0</span><span>scores from {low} to {high}</span><span>slice 11</span>" in page
    assert re.findall(r'<rect x="(\d+)" y="(\d+)"', page) == [("3", "0"), ("7", "1")]
    assert 'class="predicted"><span>normal</span>' in page
    assert "90.0%" in page
    assert "ab" * 32 in page
    assert data_of(page)["start"] == max(result.selected, key=lambda each: each.score).index


def test_frames_of_a_clip_count_from_1_and_keep_their_colours(result_with, tmp_path):
    page = page_of(result_with(clip=True, colour=True), tmp_path)
    data = data_of(page)

    assert (data["noun"], data["first"]) == ("frame", 1)
    assert ">frame 4<" in page
    assert "<span>frame 1</span>" in page
    assert "<span>frame 12</span>" in page
    assert Image.open(BytesIO(base64.b64decode(data["images"][0]))).mode == "RGB"


def test_names_cannot_become_markup(result_with, tmp_path):
    page = page_of(result_with(case_id="</script><b>&", label_name="<i>"), tmp_path)

    assert "<b>" not in page
    assert "<h1>&lt;i&gt;</h1>" in page


def test_pixels_that_are_not_square_keep_their_shape(result_with, tmp_path):
    stack = np.zeros((12, 20, 30), np.uint8)

    data = data_of(page_of(result_with(pictures=pictures(stack, pixel_aspect=3.0)), tmp_path))

    assert data["aspect"] == pytest.approx(0.5)


@pytest.mark.parametrize("colour", [(), (3,)])
def test_many_slices_get_smaller_pictures(result_with, tmp_path, monkeypatch, colour):
    monkeypatch.setattr(html, "MOST_BYTES", 12 * 40_000)
    stack = np.random.RandomState(0).randint(0, 255, (12, 700, 350, *colour), np.uint8)

    data = data_of(page_of(result_with(pictures=pictures(stack)), tmp_path))

    sizes = {Image.open(BytesIO(base64.b64decode(each))).size for each in data["images"]}
    assert sizes <= {(192, 384), (128, 256), (64, 128)}
    assert len(sizes) == 1


def test_more_slices_than_a_page_holds_are_refused(result, tmp_path, monkeypatch):
    monkeypatch.setattr(html, "MOST_BYTES", 100)

    with pytest.raises(ValueError, match="12 slices are too many for one page; write JSON and the montage instead"):
        write_html(result, tmp_path / "case.html")
    assert list(tmp_path.iterdir()) == []


def test_equal_scores_are_a_flat_line(result_with, tmp_path):
    page = page_of(result_with(scores=(1.0,) * 12), tmp_path)

    assert len(set(re.findall(r",([\d.]+)", re.search(r'points="(.*?)"', page).group(1)))) == 1


def test_the_page_knows_what_a_verdict_needs(result_with, tmp_path):
    page = page_of(result_with(case_id="case"), tmp_path)

    assert data_of(page)["review"] == {
        "case_id": "case",
        "group": "case",
        "classes": ["normal", "hyperplasia"],
        "unsure": "unsure",
        "label": 0,
        "selected": [3, 7],
        "model": {"name": "A model", "version": "1.2.3", "weights_sha256": "ab" * 32},
    }
    assert "Add the slice shown above" in page
