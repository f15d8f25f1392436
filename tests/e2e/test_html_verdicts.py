"""A reader fills in the page of a case in Chromium, on the screen of a phone, and saves the verdicts."""

import json
import shutil
import time

import pytest

from monai_das.reports import write_html
from monai_das.review import read_verdicts
from tests.reports.conftest import make_result, pixels_of

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


@pytest.fixture
def page(browser, tmp_path):
    """The page of a case, opened."""
    result = make_result(case_id="case A/1", group="patient A")
    write_html(result, pixels_of(result), tmp_path / "case.html")
    browser.get((tmp_path / "case.html").as_uri())
    return browser


@pytest.fixture
def press(page):
    """Press what fits a selector."""

    def press(selector):
        element = page.find_element("css selector", selector)
        page.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    return press


def keys(browser, letters):
    webdriver.ActionChains(browser).send_keys(letters).perform()


def said(browser):
    """What is said so far: every checked radio, by name."""
    checked = "return [...document.querySelectorAll('input:checked')].map((each) => [each.name, each.value])"
    return dict(browser.execute_script(checked))


def test_nothing_is_preset_and_nothing_is_saved_without_class_and_reader(page, press, tmp_path):
    assert said(page) == {}

    press("#save")
    press("#classes label")
    press("#save")
    page.find_element("id", "reader").send_keys("   ")
    press("#save")

    time.sleep(0.5)
    assert list(tmp_path.glob("saved/*")) == []
    assert page.find_element("id", "saved").text == ""
    assert page.execute_script("return document.activeElement.id") == "reader"


def test_keys_say_it_all_and_what_is_said_can_be_taken_back(page, press):
    press('button[data-index="3"]')
    keys(page, "c")
    first = said(page)
    keys(page, "nr2")
    second = said(page)
    keys(page, "u0")
    third = said(page)
    press("input[name=slice-3]")

    assert first == {"slice-3": "confirm"}
    assert second == {"slice-3": "confirm", "slice-7": "reject", "class": "1"}
    assert third == {"slice-3": "confirm", "class": "2"}
    assert said(page) == {"class": "2"}
    keys(page, webdriver.Keys.ARROW_LEFT + "aca")
    assert page.find_elements("css selector", "#added button") == []
    keys(page, "a")
    assert page.find_element("css selector", "#added button").accessible_name == "do not add image 34 (index 6)"


def test_letters_in_a_note_are_letters(page, press):
    page.find_element("id", "note").send_keys("cr12naw")

    assert page.find_element("id", "note").get_attribute("value") == "cr12naw"
    assert said(page) == {}


def test_saving_again_replaces_the_verdict(page, press, tmp_path):
    page.find_element("id", "reader").send_keys("reader-7")
    press("#classes input[value='0']")
    press("#save")
    saved_file(tmp_path / "saved")
    press("#classes input[value='1']")
    press("#save")
    for _ in range(100):
        if len(list(tmp_path.glob("saved/*.json"))) == 2:
            break
        time.sleep(0.1)

    verdicts = read_verdicts(*tmp_path.glob("saved/*.json"))

    assert [(each.reviewer, each.label_name, each.slices_confirmed) for each in verdicts] == [
        ("reader-7", "hyperplasia", ())
    ]
    assert page.find_element("id", "saved").text.endswith("; save again to replace it")


def test_verdicts_are_saved_as_one_file(page, press, tmp_path):
    browser = page

    press("input[name=slice-3][value=confirm]")
    press("input[name=slice-7][value=reject]")
    slide = "s = document.getElementById('slider'); s.value = {}; s.dispatchEvent(new Event('input'))"
    for index in (7, 5, 9):
        browser.execute_script(slide.format(index))
        press("#add")
    press("#added button[aria-label$='index 9)']")
    press("#classes input[value='1']")
    press("#quality option[value='4']")
    browser.find_element("id", "note").send_keys("nnp: spoilt at the end")
    browser.find_element("id", "reader").send_keys("reader-7")
    caption = browser.find_element("id", "caption").text
    press("#save")

    content = saved_file(tmp_path / "saved")
    entry = content["training"][0]
    assert content["unsure"] == []
    assert caption.startswith("image 31 (index 9)")
    assert [entry[f"slices_{name}"] for name in ("confirmed", "rejected", "added")] == [[3], [7], [5]]
    assert (entry["label"], entry["label_name"], entry["quality"]) == (1, "hyperplasia", 4)
    assert (entry["case_id"], entry["reviewer"], entry["note"]) == ("case A/1", "reader-7", "nnp: spoilt at the end")
    assert entry["group"] == "patient A"
    assert entry["model"] == {"name": "A model", "version": "1.2.3", "weights_sha256": "ab" * 32}
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.get_log("browser") == []
