import json
import zipfile

import numpy as np
import pytest

from monai_das.reports import write_json, write_slices
from monai_das.review import (
    LabelStudioClient,
    LabelStudioError,
    PushOptions,
    ensure_project,
    exported_verdicts,
    labelling_config,
    push_results,
    review_progress,
)
from monai_das.review.uploads import MOST_BYTES, ProjectUploads
from tests.reports.conftest import make_result, pixels_of
from tests.review.small_label_studio import TOKEN

CLASSES = ["normal", "hyperplasia"]
# of the wrong one of two classes
DOUBTS = {"case-1111111111111111": 0.1, "case-2222222222222222": 0.4, "case-3333333333333333": 0.25}


@pytest.fixture
def client(server):
    with LabelStudioClient(server.url, TOKEN) as client:
        yield client


@pytest.fixture
def project(client):
    return ensure_project(client, "adrenal", labelling_config("volume", CLASSES))[0]


def predicted(folder, doubts=DOUBTS, version="1.2.3", **changes):
    """What predict writes for the cases in ``doubts``."""
    for case, doubt in doubts.items():
        result = make_result(case_id=case, probabilities={"normal": 1 - doubt, "hyperplasia": doubt}, **changes)
        write_json(result, folder / case / "result.json")
        content = json.loads((folder / case / "result.json").read_text())
        content["model"] |= {"version": version, "weights_sha256": version[0] * 64}
        (folder / case / "result.json").write_text(json.dumps(content))
        write_slices(result, pixels_of(result), folder / case / "slices.zip")
    return folder


def cases(server):
    return [task["data"]["case"] for task in server.tasks.values()]


def counts(pushed):
    return pushed.added, pushed.further, pushed.same, pushed.left


def test_the_least_sure_are_pushed_first_and_only_new_ones_count(client, server, project, tmp_path):
    folder = predicted(tmp_path / "out")

    assert counts(push_results(client, project, folder, PushOptions(limit=1))) == (1, 0, 0, 2)
    assert cases(server) == ["case-2222222222222222"]
    assert counts(push_results(client, project, folder, PushOptions(limit=1))) == (1, 0, 1, 1)
    assert cases(server) == ["case-2222222222222222", "case-3333333333333333"]
    assert counts(push_results(client, project, folder, PushOptions("score", limit=0))) == (0, 0, 2, 1)
    assert counts(push_results(client, project, folder)) == (1, 0, 2, 0)
    assert counts(push_results(client, project, folder)) == (0, 0, 3, 0)


def test_other_orders(client, server, tmp_path):
    folder = predicted(tmp_path / "out")
    found = {}
    for options in (PushOptions("score"), PushOptions("random", seed=1), PushOptions("random", seed=2)):
        number = ensure_project(client, str(options), labelling_config("volume", CLASSES))[0]
        server.tasks.clear()  # the small server has one list for all projects
        push_results(client, number, folder, options)
        found[options] = cases(server)

    assert next(iter(found.values())) == ["case-1111111111111111", "case-3333333333333333", "case-2222222222222222"]
    assert found[PushOptions("random", seed=1)] != found[PushOptions("random", seed=2)]


def test_a_task_shows_the_selected_slices_and_their_neighbours_as_files(client, server, project, tmp_path):
    folder = predicted(tmp_path / "out", {"case-1111111111111111": 0.1}, selected_indices=(0, 7))

    push_results(client, project, folder)

    (task,) = server.tasks.values()
    assert task["data"]["slice_indices"] == [0, 1, 6, 7, 8]
    with zipfile.ZipFile(folder / "case-1111111111111111" / "slices.zip") as archive:
        shown = [archive.read(f"{index:04d}.png") for index in (0, 1, 6, 7, 8)]
    assert [server.files[url] for url in task["data"]["slices"]] == shown
    assert "5 of 12 slices are shown." in task["data"]["captions"]
    assert "Selected: picture 1: image 40 (index 0); picture 4: image 33 (index 7)." in task["data"]["captions"]


def test_another_model_predicts_the_same_task_and_no_picture_changes_its_place(client, server, project, tmp_path):
    one = {"case-1111111111111111": 0.1}
    push_results(client, project, predicted(tmp_path / "first", one))
    before = json.loads(json.dumps(server.tasks[1]))
    server.tasks[1]["total_annotations"] = 1

    second = predicted(tmp_path / "second", one, "2.0.0", selected_indices=(3, 10))
    assert counts(push_results(client, project, second)) == (0, 1, 0, 0)
    assert counts(push_results(client, project, second)) == (0, 0, 1, 0)
    assert counts(push_results(client, project, tmp_path / "first")) == (0, 0, 1, 0)

    (task,) = server.tasks.values()
    assert [each["model_version"] for each in task["predictions"]] == [
        "A model 1.2.3 111111111111", "A model 2.0.0 222222222222"
    ]  # fmt: skip
    assert task["data"]["slice_indices"] == [2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert task["data"]["slices"][:6] == before["data"]["slices"]
    assert task["predictions"][0] == before["predictions"][0]
    assert task["data"]["captions"].index("2.0.0 222222222222 says") < task["data"]["captions"].index("1.2.3 1111")
    assert server.projects[project]["model_version"] == "A model 2.0.0 222222222222"


def test_a_push_that_ended_before_the_data_were_written_adds_no_second_prediction(client, server, project, tmp_path):
    one = {"case-1111111111111111": 0.1}
    push_results(client, project, predicted(tmp_path / "first", one))
    before = server.tasks[1]["data"]
    second = predicted(tmp_path / "second", one, "2.0.0")
    push_results(client, project, second)
    server.tasks[1]["data"] = before

    assert push_results(client, project, second).further == 1

    assert len(server.tasks[1]["predictions"]) == 2
    assert [each["version"][8:13] for each in server.tasks[1]["data"]["answers"]] == ["1.2.3", "2.0.0"]


def test_files_of_tasks_are_not_sent_again_and_others_are(client, server, project, tmp_path):
    folder = predicted(tmp_path / "out")  # of equal pictures
    push_results(client, project, folder, PushOptions(limit=1))
    push_results(client, project, folder, PushOptions(limit=1))
    assert len(server.requests) == 1

    server.tasks.clear()
    push_results(client, project, folder)

    assert (len(server.requests), len(server.tasks)) == (2, 3)


def test_uploads_are_limited_by_bytes_and_by_files(client, server, project):
    random = np.random.default_rng(0)
    large = [random.bytes(7_000_000) for _ in range(3)]
    small = [f"{number}".encode() for number in range(120)]
    uploads = ProjectUploads(client, project, [])

    assert [server.files[url] for url in uploads.urls([*large, *small, large[0]], ".png")] == [*large, *small, large[0]]

    assert len(server.requests) == 4
    assert max(server.requests) < MOST_BYTES + 100_000
    assert len(server.files) == 123


def test_blind_readers_see_no_prediction_and_pull_knows_what_they_judged(client, server, project, tmp_path):
    folder = predicted(tmp_path / "out", {"case-1111111111111111": 0.1})

    push_results(client, project, folder, PushOptions(blind=True))

    (task,) = server.tasks.values()
    assert task["predictions"] == []
    assert "model_version" not in server.projects[project]
    shown = json.dumps(task["data"]["captions"]) + json.dumps(task["data"]["answers"])
    assert not any(word in shown for word in ("normal", "hyperplasia", "0.9", "90.0%"))
    rows = [
        {"from_name": "class", "value": {"choices": ["hyperplasia"]}},
        *({"from_name": "verdict", "item_index": place, "value": {"choices": ["informative"]}} for place in (1, 2)),
    ]
    answer = {"result": rows, "completed_by": 1, "updated_at": "2999-01-01T00:00:00Z", "prediction": {}}
    ((_, verdict, _),), problems = exported_verdicts([{**task, "annotations": [answer]}])
    assert problems == []
    assert (verdict.slices_confirmed, verdict.slices_added, verdict.slices_rejected) == ((3,), (4,), ())
    assert verdict.model == {"name": "A model", "version": "1.2.3", "weights_sha256": "1" * 64}


def test_a_second_model_is_as_blind(client, server, project, tmp_path):
    one = {"case-1111111111111111": 0.1}
    push_results(client, project, predicted(tmp_path / "first", one), PushOptions(blind=True))

    second = predicted(tmp_path / "second", one, "2.0.0", selected_indices=(9,))
    assert push_results(client, project, second, PushOptions(blind=True)).further == 1

    (task,) = server.tasks.values()
    assert task["predictions"] == []
    assert [each["version"][8:13] for each in task["data"]["answers"]] == ["1.2.3", "2.0.0"]
    assert "says" not in task["data"]["captions"]


def test_a_backend_would_not_leave_readers_blind(client, project, tmp_path):
    client.connect_backend(project, "http://127.0.0.1:9090", "monai-das", None)

    message = "project 1 has a live backend, which shows its predictions; remove it for --blind"
    with pytest.raises(ValueError, match=message):
        push_results(client, project, predicted(tmp_path / "out"), PushOptions(blind=True))


def test_no_slice_has_a_verdict_before_a_reader_gives_one(client, server, project, tmp_path):
    push_results(client, project, predicted(tmp_path / "out"))

    for task in server.tasks.values():
        (prediction,) = task["predictions"]
        assert [row["from_name"] for row in prediction["result"]] == ["class"]
        rows = [{**row, "origin": "prediction-changed"} for row in prediction["result"]]
        answer = {"result": rows, "completed_by": 1, "updated_at": "2999-01-01T00:00:00Z"}
        ((_, verdict, _),), _ = exported_verdicts([{**task, "annotations": [answer]}])
        assert (verdict.slices_confirmed, verdict.slices_rejected, verdict.slices_added) == ((), (), ())


def test_every_slice_can_be_shown_later_too(client, server, project, tmp_path):
    folder = predicted(tmp_path / "out", {"case-1111111111111111": 0.1})
    push_results(client, project, folder)

    assert counts(push_results(client, project, folder, PushOptions(every_slice=True))) == (0, 1, 0, 0)

    (task,) = server.tasks.values()
    assert task["data"]["slice_indices"] == [2, 3, 4, 6, 7, 8, 0, 1, 5, 9, 10, 11]
    assert len(task["data"]["slices"]) == 12
    assert (len(task["predictions"]), len(task["data"]["answers"])) == (1, 1)


def test_a_clip_is_a_video_file_and_the_model_marks_its_frames(client, server, tmp_path):
    pytest.importorskip("av")
    number = ensure_project(client, "clips", labelling_config("clip", CLASSES))[0]
    folder = predicted(tmp_path / "out", {"case-1111111111111111": 0.1})

    push_results(client, number, folder)
    assert push_results(client, number, folder).same == 1

    (task,) = server.tasks.values()
    assert server.files[task["data"]["video"]][4:8] == b"ftyp"
    marks = task["predictions"][0]["result"][1:]
    assert [row["value"]["ranges"] for row in marks] == [[{"start": 4, "end": 4}], [{"start": 8, "end": 8}]]
    assert {row["value"]["timelinelabels"][0] for row in marks} == {"selected by the model"}


def test_results_of_other_classes_are_refused(client, project, tmp_path):
    folder = predicted(tmp_path / "out", {"case-1111111111111111": 0.1}, classes=3)
    file = folder / "case-1111111111111111" / "result.json"
    file.write_text(file.read_text().replace("hyperplasia", "tumour"))

    message = "project 1 asks other things than these results have, whose classes are normal, tumour; make a project"
    with pytest.raises(ValueError, match=message):
        push_results(client, project, folder)


def test_tasks_of_an_earlier_version_and_of_others(client, server, project, tmp_path):
    client.import_task(project, {"data": {"image": "a.png"}, "predictions": []})
    assert push_results(client, project, predicted(tmp_path / "out")).added == 3

    client.import_task(project, {"data": {"case": "volume_000"}, "predictions": []})
    with pytest.raises(ValueError, match="task 5 was made by an earlier version; pull project 1, make another"):
        push_results(client, project, tmp_path / "out")


def test_a_limit_below_0_is_refused():
    with pytest.raises(ValueError, match="limit must be 0 or more new studies, got -1"):
        PushOptions(limit=-1)


def test_all_pages_of_tasks_are_known(client, server, project, tmp_path):
    folder = predicted(tmp_path / "out")
    for number in range(120):
        client.import_task(project, {"data": {"case": f"case-{number}", "answers": []}, "predictions": []})
    push_results(client, project, folder)

    assert push_results(client, project, folder).same == 3
    assert review_progress(client, project).tasks == 123


def test_a_server_that_stops_in_between_leaves_what_is_there(client, server, project, tmp_path):
    folder = predicted(tmp_path / "out")
    push_results(client, project, folder, PushOptions(limit=1))
    server.broken = (500, b"no")
    with pytest.raises(LabelStudioError, match="500, no"):
        push_results(client, project, folder)
    server.broken = None

    assert counts(push_results(client, project, folder)) == (2, 0, 1, 0)
