"""A reader fills in the page of a case in Chromium, on the screen of a phone, and saves the verdicts."""

import json
import shutil
import time

import pytest

from monai_das.reports import write_html
from tests.reports.conftest import make_result

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]


@pytest.fixture
def browser(tmp_path):
    """Chromium without a window, as large as a phone, that saves downloads in a folder of the test."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=390,844"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "saved")})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def saved_file(folder):
    for _ in range(100):
        files = list(folder.glob("*.json"))
        if files:
            return json.loads(files[0].read_text(encoding="utf-8"))
        time.sleep(0.1)
    raise AssertionError(f"nothing was saved in {folder}")


def test_verdicts_are_saved_as_one_file(browser, tmp_path):
    write_html(make_result(case_id="case A/1", group="patient A"), tmp_path / "case.html")
    browser.get((tmp_path / "case.html").as_uri())

    def press(selector):
        element = browser.find_element("css selector", selector)
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    press("input[name=slice-3][value=confirm]")
    press("input[name=slice-7][value=reject]")
    slide = "s = document.getElementById('slider'); s.value = {}; s.dispatchEvent(new Event('input'))"
    for index in (7, 5, 9):
        browser.execute_script(slide.format(index))
        press("#add")
    press("#added button[aria-label$='slice 9']")
    press("#class option[value='1']")
    press("#quality option[value='4']")
    browser.find_element("id", "note").send_keys("nnp: spoilt at the end")
    browser.find_element("id", "reader").send_keys("reader-7")
    caption = browser.find_element("id", "caption").text
    press("#save")

    content = saved_file(tmp_path / "saved")
    entry = content["training"][0]
    assert content["unsure"] == []
    assert caption.startswith("slice 9")
    assert [entry[f"slices_{name}"] for name in ("confirmed", "rejected", "added")] == [[3], [7], [5]]
    assert (entry["label"], entry["label_name"], entry["quality"]) == (1, "hyperplasia", 4)
    assert (entry["case_id"], entry["reviewer"], entry["note"]) == ("case A/1", "reader-7", "nnp: spoilt at the end")
    assert entry["group"] == "patient A"
    assert entry["model"] == {"name": "A model", "version": "1.2.3", "weights_sha256": "ab" * 32}
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.get_log("browser") == []
