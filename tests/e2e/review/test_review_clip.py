"""The review loop for clips: a real echo clip as a video with a timeline, key frames back as a datalist."""

import json
import shutil

import pytest
from pydicom.data import get_testdata_file

pytestmark = pytest.mark.e2e
pytest.importorskip("av")


@pytest.fixture
def predicted(command, tmp_path):
    """The folder of the echo clip, and what was predicted of it."""
    (tmp_path / "clips").mkdir()
    shutil.copy(get_testdata_file("examples_ybr_color.dcm", download=False), tmp_path / "clips" / "echo.dcm")
    out = tmp_path / "out"
    options = ("--bundle", "bundle", "--num-slices", 4, "--report", "json,slices", "--map", out / "map.json")
    command("predict", tmp_path / "clips", "-o", out, *options)
    return out


def mark(row, start, end):
    """Return a row of the answer with its mark elsewhere; frames count from 1."""
    return {**row, "value": {**row["value"], "ranges": [{"start": start, "end": end}]}}


def test_key_frames_of_a_clip_come_back(predicted, server, http, command, tmp_path):
    made = command("review", "init", "--kind", "clip", "--title", "clips", "--bundle", "bundle", **server)
    project = int(made.split()[1])
    command("review", "push", predicted, "--kind", "clip", "--project", project, **server)
    (task,) = http.get("/api/tasks/", params={"project": project, "fields": "all"}).json()["tasks"]
    asked = task["predictions"][0]["result"]
    marks = [row for row in asked if row["type"] == "timelinelabels"]
    chosen = task["data"]["chosen"]
    new = [frame for frame in range(30) if frame not in chosen][:2]

    # two of the model's four key frames stay, two go; two others come
    kept = [row for row in asked if row not in marks[2:]]
    answer = [*kept, *(mark(marks[0], frame + 1, frame + 1) | {"id": f"new{frame}"} for frame in new)]
    http.post(f"/api/tasks/{task['id']}/annotations/", json={"result": answer}).raise_for_status()
    options = ("--project", project, "-o", tmp_path / "review.json", "--map", predicted / "map.json")
    command("review", "pull", *options, **server)

    assert task["data"]["video"].startswith("data:video/mp4;base64,")
    (case,) = json.loads((tmp_path / "review.json").read_text())["training"]
    assert case["slices_confirmed"] == chosen[:2]
    assert case["slices_rejected"] == chosen[2:]
    assert case["slices_added"] == new
    assert case["image"] == str(tmp_path / "clips" / "echo.dcm")
