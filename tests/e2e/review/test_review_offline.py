"""The walk-through without a server: predict, fill in the page, pull what it saved."""

import json
import time

import pytest

from tests.case_folders import only_case, only_result

pytestmark = pytest.mark.e2e


def saved_file(folder):
    for _ in range(300):
        files = list(folder.glob("verdicts_*.json"))
        if files:
            return files[0]
        time.sleep(0.1)
    raise AssertionError(f"nothing was saved in {folder}")


def test_verdicts_of_the_html_page_become_a_datalist(cases, command, start_browser, tmp_path):
    options = (
        "--bundle",
        "bundle",
        "--accept-any-input",
        "--num-slices",
        4,
        "--report",
        "json,html",
        "--map",
        tmp_path / "map.json",
    )
    command("predict", cases / "volume_1.nii.gz", "-o", tmp_path / "out", *options)
    selected = only_result(tmp_path / "out")["selected_slices"]
    first, *others = [each["index"] for each in selected]
    browser = start_browser()
    downloads = {"behavior": "allow", "downloadPath": str(tmp_path / "saved")}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", downloads)

    browser.get((only_case(tmp_path / "out") / "case.html").as_uri())
    verdicts = [(first, "reject"), *((index, "confirm") for index in others)]
    for index, word in verdicts:
        browser.execute_script(f"document.querySelector('input[name=slice-{index}][value={word}]').click()")
    browser.execute_script("document.querySelector('#classes input').click()")
    browser.find_element("id", "reader").send_keys("reader-1")
    browser.execute_script("document.getElementById('save').click()")
    saved = saved_file(tmp_path / "saved")
    command("review", "pull", "--from-html", saved, "--map", tmp_path / "map.json", "-o", tmp_path / "review.json")

    (case,) = json.loads((tmp_path / "review.json").read_text())["training"]
    assert case["image"] == str(cases / "volume_1.nii.gz")
    assert (case["slices_rejected"], case["slices_confirmed"]) == ([first], others)
