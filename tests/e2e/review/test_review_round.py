"""Two readers who do not see each other, and a round of learning from them, on a real Label Studio."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from monai_das.datasets import make_sample_volumes, write_nifti
from monai_das.inference import Predictor
from tests.e2e.review.conftest import MAIN, ROOT

pytestmark = pytest.mark.e2e
# of four cases they agree on three; one says normal twice, the other three times:
# observed 3/4, expected 2/4 x 3/4 + 2/4 x 1/4 = 1/2, so kappa is (3/4 - 1/2) / (1 - 1/2)
SAID = (("normal", "hyperplasia", "hyperplasia", "normal"), ("normal", "hyperplasia", "normal", "normal"))
KAPPA = 0.5


def answer(page, project, tasks, classes):
    """Answer each task as a reader does: a class, the first picture rejected, the second wanted."""
    from selenium.webdriver.common.keys import Keys

    for task in tasks:
        page.open_task(project, task["id"])
        name = classes[task["data"]["case"]]
        # who agrees leaves the class as it is; it is ticked a moment after the page is there
        page.until(page.ticked)
        if page.ticked() != {name}:
            page.choose(name)
        page.press_until(lambda: "not informative" in page.ticked(), "2")
        page.press_until(lambda: page.place().startswith("2 of "), Keys.CONTROL, Keys.ARROW_RIGHT)
        page.press_until(lambda: "informative" in page.ticked(), "1")
        page.submit()


@pytest.fixture(scope="module")
def browser(label_studio, chromium, tmp_path_factory):
    """Start a browser that nobody has used."""
    pytest.importorskip("selenium")
    from tests.e2e.review.labelling_page import LabellingPage

    return lambda: LabellingPage(label_studio.url, tmp_path_factory.mktemp("profile"), *chromium)


@pytest.fixture(scope="module")
def read(server, http, results, ids, command, label_studio, browser):
    """Two projects, each answered by a reader of its own in a browser, and why the first page was refused at first."""
    made = command("review", "init", "--title", "Two readers", "--readers", 2, "--bundle", "bundle", **server)
    projects = [int(line.split()[1]) for line in made.splitlines()]
    command("review", "push", results, "--project", *projects, **server)
    refusal = None
    for project, classes in zip(projects, SAID, strict=True):
        tasks = http.get("/api/tasks/", params={"project": project, "fields": "all"}).json()["tasks"]
        with browser() as page:
            if refusal is None:
                page.log_in(label_studio.email, label_studio.password)
                page.open_task(project, tasks[0]["id"])
                refusal = page.refusal()
            else:
                page.sign_up("second@example.org", "example-pass")
            answer(page, project, tasks, dict(zip(ids, classes, strict=True)))
    return SimpleNamespace(projects=projects, refusal=refusal)


def test_a_page_that_nobody_looked_at_is_not_taken(read):
    assert read.refusal == "Please tick: I looked, and this is my answer (key A)"


def test_two_projects_are_pulled_as_one_and_kappa_is_that_by_hand(read, server, ids, command, tmp_path):
    said = command("review", "pull", "--project", *read.projects, "-o", tmp_path / "review.json", **server)

    content = json.loads((tmp_path / "review.json").read_text())
    assert "8 verdicts written" in said
    assert (content["problems"], content["agreement"]["cases"], content["agreement"]["kind"]) == ([], 4, "cohen")
    assert content["agreement"]["class_kappa"] == KAPPA
    assert content["agreement"]["class_kappa_low"] < KAPPA < content["agreement"]["class_kappa_high"]
    assert {each["case_id"] for each in content["training"]} == {*ids}
    assert len({each["reviewer"] for each in content["training"]}) == 2


def test_a_round_trains_compares_and_pushes_what_nobody_has_read(read, server, http, cases, tmp_path):
    write_nifti(make_sample_volumes(5)[4]["image"][0], tmp_path / "more" / "unread.nii.gz")
    words = ["review", "round", "--project", *read.projects, "-o", tmp_path / "round", "--cases", cases,
             tmp_path / "more", "--consensus", "majority", "--holdout-every", 2, "--epochs", 1, "--bundle", "bundle",
             "--accept-any-input"]  # fmt: skip

    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MAIN, *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **server},
    )

    change = json.loads((tmp_path / "round" / "evaluation.json").read_text())
    assert run.returncode == (3 if change["worse"] else 0), run.stdout[-2000:] + run.stderr[-4000:]
    assert change["sentence"] in run.stdout
    assert change["patients"] == 2
    old, new = (Predictor(place).model.info.version for place in (ROOT / "bundle", tmp_path / "round" / "model"))
    assert tuple(map(int, new.split("."))) > tuple(map(int, old.split(".")))
    for project in read.projects:
        tasks = http.get("/api/tasks/", params={"project": project, "fields": "all"}).json()["tasks"]
        assert len(tasks) == 5
