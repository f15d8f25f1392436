"""A reader at Label Studio's labelling page, in headless Chromium."""

import os
import time  # the page has no sign that a picture has been turned
from contextlib import suppress
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from monai_das.review.answers import LEAST_SECONDS
from monai_das.review.labelling import I_LOOKED

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip
SUBMIT = "[data-testid=bottombar-submit-button]"
PATIENCE = 120
WIDTH, HEIGHT = 1440, 800


class LabellingPage:
    """Logged in at the server ``url``; a context manager that ends the browser."""

    def __init__(self, url, profile, chromium, driver):
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        self.browser = webdriver.Chrome(options, Service(driver))
        self.browser.set_window_size(WIDTH, HEIGHT)
        # a window is larger than its page
        self.browser.set_window_size(WIDTH, 2 * HEIGHT - self.browser.execute_script("return innerHeight"))
        self.url = url

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.quit()

    def log_in(self, email, password, page="login"):
        self.browser.get(f"{self.url}/user/{page}/")
        self.browser.find_element(By.NAME, "email").send_keys(email)
        self.browser.find_element(By.NAME, "password").send_keys(password)
        self.browser.find_element(By.CSS_SELECTOR, "form button[type=submit], form [type=submit]").click()
        self.until(lambda: f"/{page}" not in self.browser.current_url)

    def sign_up(self, email, password):
        self.log_in(email, password, "signup")

    def open_task(self, project, task):
        """Open a task and wait for its picture, or its video."""
        self.browser.get(f"{self.url}/projects/{project}/data?task={task}")
        self.until(lambda: self.browser.find_elements(By.XPATH, "//button[normalize-space()='Submit']"))
        self.until(lambda: self.width() > 0)

    def width(self):
        """Return how wide the picture or the video is, in its own pixels; 0 before it is there."""
        pictures = "[...document.querySelectorAll('img')].filter(each => /^(blob:|.*.data.upload.)/.test(each.src))"
        widths = f"{pictures}.map(each => each.naturalWidth)"
        videos = "[...document.querySelectorAll('video')].map(each => each.videoWidth)"
        return self.browser.execute_script(f"return Math.max(0, ...{widths}, ...{videos})")

    def text(self):
        return self.browser.find_element(By.TAG_NAME, "body").text

    def photograph(self, name):
        """Save the page for the docs, where REVIEW_PICTURES names a folder."""
        folder = os.environ.get("REVIEW_PICTURES")
        if folder:
            time.sleep(3)
            self.browser.save_screenshot(str(Path(folder) / name))

    def until(self, condition):
        return WebDriverWait(self.browser, PATIENCE).until(lambda _: condition())

    def click(self, selector):
        """Click what the CSS ``selector`` finds; the page may draw it anew in between, and then it is found again."""

        def clicked(browser):
            element = browser.find_element(By.CSS_SELECTOR, selector)
            browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
            return True

        faults = (StaleElementReferenceException, ElementNotInteractableException, ElementClickInterceptedException)
        WebDriverWait(self.browser, PATIENCE, ignored_exceptions=faults).until(clicked)

    def choose(self, name):
        """Tick the choice called ``name``; a page that is still being built loses clicks, so once more then."""
        box = f"input[name='{name}']"
        self.again_until(lambda: self.browser.find_element(By.CSS_SELECTOR, box).is_selected(), self.click, box)

    def press(self, *keys):
        """Press the last of ``keys`` while the others are held."""
        actions = ActionChains(self.browser)
        for key in keys[:-1]:
            actions.key_down(key)
        actions.send_keys(keys[-1])
        for key in keys[:-1]:
            actions.key_up(key)
        actions.perform()

    def press_until(self, condition, *keys):
        """Press as ``press`` does until ``condition`` holds."""
        self.again_until(condition, self.press, *keys)

    def again_until(self, condition, act, *arguments):
        """Do ``act``, and again where ``condition`` does not hold within ten seconds."""
        for _ in range(PATIENCE // 10):
            act(*arguments)
            with suppress(TimeoutException):
                WebDriverWait(self.browser, 10).until(lambda _: condition())
                return
        raise TimeoutException(f"{arguments} had no effect")

    def ticked(self):
        """Return the names of the choices that are ticked."""
        boxes = self.browser.find_elements(By.CSS_SELECTOR, "input[type=checkbox]:checked")
        return {box.get_attribute("name") for box in boxes}

    def place(self):
        """Return which picture is shown, such as ``2 of 8``."""
        return self.browser.find_element(By.CSS_SELECTOR, ".lsf-pagination__page-indicator").text

    def hidden(self, selector):
        """Return what of the elements that the CSS ``selector`` finds lies outside the visible part of the page."""
        return self.browser.execute_script(
            f"const bar = document.querySelector('{SUBMIT}').getBoundingClientRect();"
            f"return [...document.querySelectorAll('{selector}')].filter(each => {{"
            "const box = each.getBoundingClientRect();"
            "return !box.width || box.top < 0 || box.left < 0 || box.bottom > bar.top || box.right > innerWidth;"
            "}).map(each => each.outerHTML.slice(0, 200))"
        )

    def refusal(self):
        """Submit, and return why Label Studio does not take it."""
        self.click(SUBMIT)
        content = (By.CSS_SELECTOR, ".ant-modal-confirm-content")
        return self.until(lambda: "".join(each.text for each in self.browser.find_elements(*content)))

    def submit(self):
        """Say that one has looked and submit, no quicker than a person: answers within two seconds are not counted."""
        self.press_until(lambda: I_LOOKED in self.ticked(), "a")
        # on a busy machine Label Studio counts from long after the page was asked for
        time.sleep(LEAST_SECONDS + 0.5)
        self.click(SUBMIT)
        self.until(lambda: self.browser.find_elements(By.CSS_SELECTOR, "[data-testid=bottombar-update-button]"))
