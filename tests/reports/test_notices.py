"""Whatever a result says of the input stands in every report."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageDraw
from pydicom import dcmread

from monai_das.contract import InputVerdict
from monai_das.inference import DASModelInfo
from monai_das.reports import (
    write_html,
    write_json,
    write_key_objects,
    write_montage,
    write_secondary_capture,
    write_structured_report,
)
from monai_das.reports.montage import montage_pixels

VERDICT = InputVerdict(("7 slices, 8 to 100 are accepted",), True, distance=9.0, limit=7.0)
RED = (176, 0, 32)


def texts(tags):
    """All texts and code meanings below ContentSequence."""
    for item in tags.get("ContentSequence", ()):
        yield str(item.get("TextValue", ""))
        yield from (str(code.CodeMeaning) for code in item.get("ConceptCodeSequence", ()))
        yield from texts(item)


@pytest.fixture
def noted():
    return {"input": VERDICT, "notices": VERDICT.notices}


def test_the_json_says_it(result_with, noted, tmp_path):
    write_json(result_with(**noted), tmp_path / "result.json")

    content = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert content["notices"] == list(VERDICT.notices)
    assert content["input"] == {
        "accepted": False,
        "reasons": ["7 slices, 8 to 100 are accepted"],
        "accept_any_input": True,
        "unlike_training_data": True,
        "distance": 9.0,
        "limit": 7.0,
    }


def test_the_page_has_a_banner_only_where_there_is_something_to_say(result_with, pixels_of, noted, tmp_path):
    source = pixels_of(result_with())
    write_html(result_with(**noted), source, tmp_path / "noted.html")
    write_html(result_with(), source, tmp_path / "plain.html")

    noted_page, plain = ((tmp_path / name).read_text(encoding="utf-8") for name in ("noted.html", "plain.html"))
    assert noted_page.count('<p class="banner" role="alert">') == 2
    assert "NOT MADE FOR THIS INPUT (7 slices, 8 to 100 are accepted), run by --accept-any-input</p>" in noted_page
    assert '<p class="banner"' not in plain


def test_the_picture_has_a_red_banner_over_its_whole_width(result_with, pixels_of, noted):
    source = pixels_of(result_with())
    plain, picture = montage_pixels(result_with(), source), montage_pixels(result_with(**noted), source)

    assert (picture[3] == RED).all()
    assert not (plain == RED).all(axis=2).any()
    height = len(picture) - len(plain)
    assert height > 40
    # what lies below is the same picture
    assert np.array_equal(picture[height:], plain)


def test_the_banner_holds_the_words(result_with, pixels_of, noted, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        ImageDraw.ImageDraw, "multiline_text", lambda draw, place, words, *_, **__: written.append(words)
    )

    write_montage(result_with(**noted), pixels_of(result_with()), tmp_path / "montage.png")

    assert " ".join(written[0].split()) == " ".join(VERDICT.notices)


@pytest.mark.parametrize("write", [write_structured_report, write_key_objects])
def test_a_document_says_it_in_words(write, sample_series, result_for, noted, tmp_path):
    pytest.importorskip("highdicom")

    write(result_for(sample_series, **noted), sample_series, tmp_path / "new.dcm")

    said = " ".join(texts(dcmread(tmp_path / "new.dcm")))
    assert all(notice in said for notice in VERDICT.notices)
    checker = Path(sys.executable).with_name("dciodvfy")
    checked = subprocess.run([checker, tmp_path / "new.dcm"], capture_output=True, text=True, check=False)
    assert "Error" not in checked.stdout + checked.stderr


def test_a_capture_says_it(sample_series, result_for, noted, tmp_path):
    pytest.importorskip("highdicom")

    write_secondary_capture(result_for(sample_series, **noted), sample_series, tmp_path / "new.dcm")

    said = dcmread(tmp_path / "new.dcm").ImageComments
    assert all(f"Notice: {notice}." in said for notice in VERDICT.notices)


def test_a_class_with_a_standard_code_is_named_by_it(sample_series, result_for, tmp_path):
    pytest.importorskip("highdicom")
    code = {"value": "17621005", "scheme": "SCT", "meaning": "Normal"}
    model = DASModelInfo("A model", "1.2.3", "ab" * 32, class_codes={"normal": code})

    write_structured_report(result_for(sample_series, model=model), sample_series, tmp_path / "new.dcm")

    assert "Normal" in list(texts(dcmread(tmp_path / "new.dcm")))
