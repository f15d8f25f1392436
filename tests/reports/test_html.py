import base64
import json
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from monai_das.reports import html, write_html
from monai_das.reports.drawing import CaseDrawing


@pytest.fixture
def page_of(tmp_path, pixels_of):
    """The page of a result, and of its source if it is not made up."""

    def written(result, source=None, **settings):
        write_html(result, source or pixels_of(result, **settings), tmp_path / "case.html")
        return (tmp_path / "case.html").read_text(encoding="utf-8")

    return written


def data_of(page):
    return json.loads(re.search(r'id="case">(.*?)</script>', page, re.DOTALL).group(1))


def picture(data):
    return Image.open(BytesIO(base64.b64decode(data)))


def test_the_page_holds_all_slices_and_asks_for_nothing_else(result, page_of):
    page = page_of(result)
    data = data_of(page)

    without_data = page.replace(re.search(r'id="case">(.*?)</script>', page).group(1), "")
    assert [picture(each).size for each in data["previews"]] == [(30, 20)] * 12
    assert data["scores"] == list(result.scores)
    assert data["names"][3] == "image 37 (index 3)"
    assert re.findall(r"(?:https?:|//\w|url\(|@import|src=)\S*", without_data) == []
    assert "default-src 'none'" in page
    assert "$" not in page.replace(html._part("js"), "")


def test_selected_slices_and_their_neighbours_have_all_values(result_with, page_of, pixels_of):
    result = result_with(selected_indices=(0, 7))

    data = data_of(page_of(result))

    assert sorted(map(int, data["full"])) == [0, 1, 6, 7, 8]
    assert {(each["rows"], each["columns"], each["step"]) for each in data["full"].values()} == {(20, 30, 1.0)}
    drawing = CaseDrawing(result, pixels_of(result))
    assert data["windows"] == [[each.name, each.low, each.high, []] for each in drawing.windows]
    assert [picture(each).size for each in data["network"].values()] == [(30, 20)] * 2


def test_selection_probabilities_and_origin_are_on_the_page(result, page_of):
    page = page_of(result)

    assert re.findall(r'data-index="(\d+)"><img alt=""><span>([^<]+)', page) == [
        ("3", "image 37 (index 3)"),
        ("7", "image 33 (index 7)"),
    ]
    assert page.count('class="mark"') == 2
    low, high = (f"{found(result.scores):.3g}" for found in (min, max))
    ends = f"<span>image 40 (index 0)</span><span>scores from {low} to {high}</span><span>image 29 (index 11)</span>"
    assert ends in page
    assert re.findall(r'<rect x="(\d+)" y="(\d+)"', page) == [("3", "0"), ("7", "1")]
    assert 'class="predicted"><span>normal</span>' in page
    assert "90.0%" in page
    assert "ab" * 32 in page
    assert '<span class="left">R</span><span class="right">L</span><span class="top">A</span>' in page
    assert data_of(page)["start"] == max(result.selected, key=lambda each: each.score).index


def test_frames_of_a_clip_count_from_1_and_keep_their_colours(result_with, page_of):
    page = page_of(result_with(clip=True, colour=True), colour=True)
    data = data_of(page)

    assert ">frame 4 (index 3)<" in page
    assert "<span>frame 1 (index 0)</span>" in page
    assert picture(data["previews"][0]).mode == picture(data["full"]["3"]["data"]).mode == "RGB"
    assert "rows" not in data["full"]["3"]
    assert '<span class="controls" hidden>' in page


def test_nothing_is_preset(result, page_of):
    page = page_of(result)

    assert not re.search(r"\b(checked|selected(=|>))", page.replace(html._part("js"), ""))


def test_names_cannot_become_markup(result_with, page_of):
    page = page_of(result_with(case_id="</script><b>&", label_name="<i>"))

    assert "<b>" not in page
    assert "<h1>&lt;i&gt;</h1>" in page


@pytest.mark.parametrize("colour", [False, True])
def test_many_slices_get_smaller_pictures(result_with, page_of, monkeypatch, colour):
    monkeypatch.setattr(html, "MOST_CHARACTERS", 200_000 if colour else 500_000)

    data = data_of(page_of(result_with(clip=colour), colour=colour, size=(400, 300)))

    full = data["full"]["3"]
    longest = max(picture(full["data"]).size) if colour else full["columns"]
    assert (longest, data["preview_side"]) in ((256, 96), (128, 64))
    assert max(picture(data["previews"][0]).size) == data["preview_side"]


def test_more_slices_than_a_page_holds_are_refused(result, page_of, tmp_path, monkeypatch):
    monkeypatch.setattr(html, "MOST_CHARACTERS", 100)

    with pytest.raises(ValueError, match="12 slices are too many for one page; write JSON and the montage instead"):
        page_of(result)
    assert list(tmp_path.iterdir()) == []


def test_equal_scores_are_a_flat_line(result_with, page_of):
    page = page_of(result_with(scores=(1.0,) * 12))

    assert len(set(re.findall(r",([\d.]+)", re.search(r'points="(.*?)"', page).group(1)))) == 1


def test_the_page_knows_what_a_verdict_needs(result_with, page_of):
    page = page_of(result_with(case_id="case", classes=11))

    assert data_of(page)["review"] == {
        "case_id": "case",
        "group": "case",
        "classes": ["normal", "hyperplasia", *(f"class {number}" for number in range(2, 11))],
        "unsure": "unsure",
        "model": {"name": "A model", "version": "1.2.3", "weights_sha256": "ab" * 32},
    }
    keys = re.findall(r'name="class" value="(\d+)" required> [^<]+ <kbd>(\d?)</kbd>', page)
    assert keys == [*((str(place), str(place + 1) if place < 9 else "") for place in range(11)), ("11", "0")]


def test_every_control_has_a_name(result, page_of):
    page = page_of(result)

    for tag in re.findall(r"<(?:input|select|textarea|canvas|svg)\b[^>]*>", page.replace(html._part("js"), "")):
        inside_label = re.search(rf"<label>[^<]*{re.escape(tag)}", page)
        assert inside_label or "aria-label" in tag or "canvas" in tag, tag
    assert np.all([re.sub("<[^>]+>", "", each).strip() for each in re.findall(r"<button[^>]*>(.*?)</button>", page)])
