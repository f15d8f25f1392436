"""The review loop for clips: a real echo clip as a video with a timeline, key frames back as a datalist."""

import json
import shutil

import pytest
from pydicom.data import get_testdata_file

pytestmark = pytest.mark.e2e
pytest.importorskip("av")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "echo.dcm"
    shutil.copy(get_testdata_file("examples_ybr_color.dcm", download=False), path)
    return path


@pytest.fixture(scope="module")
def predicted(clip, command, tmp_path_factory):
    """What was predicted of the clip."""
    out = tmp_path_factory.mktemp("out")
    options = (
        "--bundle",
        "bundle",
        "--accept-any-input",
        "--num-slices",
        4,
        "--report",
        "json,slices",
        "--map",
        out / "map.json",
    )
    command("predict", clip, "-o", out, *options)
    return out


def mark(row, frame, word):
    """Return a row of the answer with the mark ``word`` on ``frame``, which counts from 0 here, there from 1."""
    ranges = [{"start": frame + 1, "end": frame + 1}]
    return {**row, "id": f"{word}{frame}", "value": {"ranges": ranges, "timelinelabels": [word]}}


@pytest.fixture(scope="module")
def project(predicted, server, command):
    """A project with the clip as its only task."""
    made = command("review", "init", "--kind", "clip", "--title", "Echo", "--bundle", "bundle", **server)
    number = int(made.split()[1])
    command("review", "push", predicted, "--project", number, **server)
    return number


def only_task(http, project):
    (task,) = http.get("/api/tasks/", params={"project": project, "fields": "all"}).json()["tasks"]
    return task


def test_a_reader_sees_the_video_and_its_key_frames(project, http, label_studio, chromium, tmp_path):
    pytest.importorskip("selenium")
    from tests.e2e.review.labelling_page import LabellingPage

    with LabellingPage(label_studio.url, tmp_path / "profile", *chromium) as page:
        page.log_in(label_studio.email, label_studio.password)
        page.open_task(project, only_task(http, project)["id"])
        page.until(lambda: "selected by the model" in page.text())
        page.photograph("review_clip.png")

        assert page.hidden(".das-controls input, .lsf-timeline, .das-clip canvas") == []
        # the source's own pixels: the network's 64 would be a stamp
        assert page.width() == 640


def test_key_frames_of_a_clip_come_back(project, clip, predicted, server, http, command, tmp_path):
    task = only_task(http, project)
    asked = task["predictions"][0]["result"]
    marks = [row for row in asked if row["type"] == "timelinelabels"]
    selected = [each["index"] for each in task["data"]["answers"][0]["slices"]]
    new = [frame for frame in range(30) if frame not in selected][:2]

    # of the model's four key frames one is confirmed, one rejected, one left as it is and one deleted; two are added
    said = [(selected[0], "informative"), (selected[1], "artefact"), *((frame, "informative") for frame in new)]
    kept = [row for row in asked if row not in (*marks[:2], marks[3])]
    answer = [*kept, *(mark(marks[0], frame, word) for frame, word in said)]
    http.post(f"/api/tasks/{task['id']}/annotations/", json={"result": answer}).raise_for_status()
    options = ("--project", project, "-o", tmp_path / "review.json", "--map", predicted / "map.json")
    command("review", "pull", *options, **server)

    assert task["data"]["video"].endswith(".mp4")
    (case,) = json.loads((tmp_path / "review.json").read_text())["training"]
    assert case["slices_confirmed"] == selected[:1]
    assert case["slices_rejected"] == selected[1:2]
    assert case["slices_added"] == new
    assert case["image"] == str(clip)
