"""The HTML page of a case with 300 slices, in a headless Chromium."""

import json
import shutil
import time

import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("chromium") is None or shutil.which("chromedriver") is None, reason="no Chromium"),
]
webdriver = pytest.importorskip("selenium.webdriver")
CHOSEN = (20, 77, 150, 151, 220, 281)


@pytest.fixture(scope="module")
def browser(start_browser, page):
    found = start_browser()
    found.get(page.as_uri())
    return found


@pytest.fixture(autouse=True)
def at_the_first_slice(browser):
    set_slider(browser, 0)


def element(browser, selector):
    return browser.find_element("css selector", selector)


def set_slider(browser, index):
    browser.execute_script(
        "const s = document.getElementById('slider'); s.value = arguments[0]; s.dispatchEvent(new Event('input'));",
        index,
    )


def caption(browser):
    return element(browser, "#caption").text


def press(browser, *keys):
    actions = webdriver.ActionChains(browser)
    for key in keys:
        actions.send_keys(key)
    actions.perform()


def paper(browser):
    return browser.execute_script("return getComputedStyle(document.body).backgroundColor")


def width_asked_for(browser):
    return browser.execute_script("return document.documentElement.scrollWidth")


def test_it_is_small(page):
    assert page.stat().st_size < 15_000_000


def test_it_opens_in_two_seconds(start_browser, page):
    browser, seconds = start_browser(), []
    for _ in range(3):  # the machine may have other work
        begin = time.perf_counter()
        browser.get(page.as_uri())
        shown = browser.execute_async_script(
            "const p = document.getElementById('picture'); p.decode().then(() => arguments[0](p.naturalWidth));"
        )
        seconds.append(time.perf_counter() - begin)

    assert min(seconds) < 2.0
    assert shown > 100
    assert caption(browser).endswith(", selected")


def test_the_slider_shows_the_slice(browser):
    first = element(browser, "#picture").get_attribute("src")

    set_slider(browser, 123)

    assert caption(browser).startswith("slice 123, score ")
    assert element(browser, "#picture").get_attribute("src") != first
    assert "selected" not in element(browser, "#screen").get_attribute("class")


def test_a_selected_slice_is_one_click_away(browser):
    element(browser, '#selected button[data-index="220"]').click()

    assert caption(browser).startswith("slice 220, score ")
    assert caption(browser).endswith(", selected")
    assert "selected" in element(browser, "#screen").get_attribute("class")
    assert element(browser, "#slider").get_attribute("value") == "220"


def test_next_and_previous_go_through_the_selected_ones(browser):
    seen = []
    for button in ("#next", "#next", "#previous"):
        element(browser, button).click()
        seen.append(caption(browser).split(",")[0])

    assert seen == ["slice 20", "slice 77", "slice 20"]


def test_a_click_on_the_curve_goes_there(browser):
    webdriver.ActionChains(browser).move_to_element(element(browser, "#curve")).click().perform()

    assert caption(browser).split(",")[0] in ("slice 149", "slice 150", "slice 151")


def test_the_keyboard_reaches_everything(browser):
    keys = webdriver.Keys
    seen = []
    for key in (keys.ARROW_RIGHT, keys.END, keys.ARROW_LEFT, keys.HOME, "n", "n", "p"):
        press(browser, key)
        seen.append(int(caption(browser).split(",")[0].removeprefix("slice ")))

    assert seen == [1, 299, 298, 0, 20, 77, 20]


@pytest.mark.parametrize(("scheme", "light"), [("light", True), ("dark", False)])
def test_it_follows_the_readers_colours(browser, scheme, light):
    wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)

    levels = [int(level) for level in paper(browser).removeprefix("rgb(").removesuffix(")").split(",")]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert (min(levels) > 200) if light else (max(levels) < 60)


def test_a_narrow_window_holds_all_of_it(start_browser, page):
    browser = start_browser(375, 700)
    browser.get(page.as_uri())

    assert width_asked_for(browser) <= 375
    for selector in ("#picture", "#slider", "#curve", "#selected", "#matrix"):
        box = element(browser, selector).rect
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 375
    buttons = browser.find_elements("css selector", "button")
    assert min(min(each.size["width"], each.size["height"]) for each in buttons) >= 44


def test_in_a_narrow_window_a_selected_slice_comes_into_view(start_browser, page):
    browser = start_browser(390, 700)
    browser.get(page.as_uri())
    button = element(browser, '#selected button[data-index="281"]')
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)

    button.click()

    top, bottom = browser.execute_script(
        "const box = document.getElementById('screen').getBoundingClientRect(); return [box.top, box.bottom];"
    )
    assert caption(browser).startswith("slice 281, score ")
    assert -1 <= top < bottom <= 701


def test_no_console_message_and_no_request_leaves_the_page(start_browser, page):
    browser = start_browser()
    browser.get(page.as_uri())
    for index in CHOSEN:
        element(browser, f'#selected button[data-index="{index}"]').click()
    press(browser, webdriver.Keys.END)

    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]
    assert browser.get_log("browser") == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert page.as_uri() in requests
