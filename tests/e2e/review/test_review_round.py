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


def second_reader(http):
    user = {"email": "second@example.org", "username": "second", "password": "example-pass"}
    http.post("/api/users/", json=user)
    return next(each["id"] for each in http.get("/api/users/").json() if each["email"] == user["email"])


def answer(http, project, classes, reader):
    """Answer each task of a project through the API: a class, the first picture rejected, the second wanted."""
    for task in http.get("/api/tasks/", params={"project": project, "fields": "all"}).json()["tasks"]:
        target = {"to_name": "slices", "type": "choices"}
        result = [{**target, "from_name": "class", "value": {"choices": [classes[task["data"]["case"]]]}}]
        for place, word in enumerate(("not informative", "informative")):
            result.append({**target, "from_name": "verdict", "item_index": place, "value": {"choices": [word]}})
        content = {"result": result} if reader is None else {"result": result, "completed_by": reader}
        http.post(f"/api/tasks/{task['id']}/annotations/", json=content).raise_for_status()


@pytest.fixture(scope="module")
def read(server, http, results, ids, command):
    """The numbers of two projects, each answered by a reader of its own."""
    made = command("review", "init", "--title", "Two readers", "--readers", 2, "--bundle", "bundle", **server)
    projects = [int(line.split()[1]) for line in made.splitlines()]
    for project, classes, reader in zip(projects, SAID, (None, second_reader(http)), strict=True):
        command("review", "push", results, "--project", project, **server)
        answer(http, project, dict(zip(ids, classes, strict=True)), reader)
    return SimpleNamespace(projects=projects)


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
