"""The review loop on a real Label Studio: init, push, a reader, pull, and live predictions."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import torch

from monai_das.datasets import make_sample_volumes, write_nifti
from monai_das.datasets.reviewed import is_held_out
from monai_das.review import (
    LabelStudioClient,
    PushOptions,
    ensure_project,
    exported_verdicts,
    labelling_config,
    push_results,
)
from monai_das.review.tasks import model_version
from tests.case_folders import results as case_results

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def review(server, http, backend, results, command):
    """A project with four tasks, its backend connected."""
    server = {**server, "MONAI_DAS_REVIEW_TOKEN": backend.token}
    made = command("review", "init", "--title", "Adrenal glands", "--backend", backend.url, **server)
    project = int(made.split()[1])
    pushes = [command("review", "push", results, "--project", project, **server) for _ in range(2)]
    listed = http.get("/api/tasks/", params={"project": project, "fields": "all"}).json()["tasks"]
    tasks = {task["data"]["case"]: task for task in listed}
    return SimpleNamespace(project=project, server=server, pushes=pushes, http=http, tasks=tasks)


def test_pushing_twice_makes_no_duplicates(review, ids, command):
    assert ": 4 tasks added, " in review.pushes[0]
    assert ": 0 tasks added, 0 with a further prediction or more slices, 4 there already, " in review.pushes[1]
    assert sorted(review.tasks) == sorted(ids)
    assert "of 4 tasks reviewed" in command("review", "status", "--project", review.project, **review.server)


def answers_of_a_second_reader(review):
    """Agree with the model on every task, and find the second picture informative, through the API.

    Return the reader's number.
    """
    row = {"from_name": "verdict", "to_name": "slices", "type": "choices", "item_index": 1}
    verdict = {**row, "value": {"choices": ["informative"]}}
    review.http.post("/api/users/", json={"email": "b@example.org", "username": "b", "password": "example-pass"})
    second = next(user["id"] for user in review.http.get("/api/users/").json() if user["email"] == "b@example.org")
    for task in review.tasks.values():
        answer = {"result": [*task["predictions"][0]["result"], verdict], "completed_by": second}
        review.http.post(f"/api/tasks/{task['id']}/annotations/", json=answer).raise_for_status()
    return second


@pytest.fixture(scope="module")
def pulled(review, ids, command, label_studio, results, chromium, tmp_path_factory):
    """The datalist after one reader at the web page (a slice rejected, the class changed), and one by the API."""
    pytest.importorskip("selenium")
    from selenium.webdriver.common.keys import Keys

    from tests.e2e.review.labelling_page import LabellingPage

    folder = tmp_path_factory.mktemp("pulled")
    first = review.tasks[ids[0]]
    (prediction,) = first["predictions"]
    predicted = prediction["result"][0]["value"]["choices"][0]
    other = next(name for name in first["data"]["classes"] if name != predicted)
    with LabellingPage(label_studio.url, folder / "profile", *chromium) as page:
        page.log_in(label_studio.email, label_studio.password)
        page.open_task(review.project, first["id"])
        page.photograph("review.png")
        # picture and controls are visible whole, beside each other; no slice has a verdict
        assert page.hidden(".lsf-image, .das-controls input, .ant-rate") == []
        assert page.ticked() == {predicted}
        page.press(Keys.CONTROL, Keys.ARROW_RIGHT)
        page.until(lambda: page.place() == f"2 of {len(first['data']['slices'])}")
        page.press("2")
        page.until(lambda: page.ticked() == {predicted, "not informative"})
        page.choose(other)
        page.submit()
    second = answers_of_a_second_reader(review)
    options = ("--project", review.project, "-o", folder / "review.json", "--map", results / "map.json")
    said = command("review", "pull", *options, **review.server)
    content = json.loads((folder / "review.json").read_text())
    return SimpleNamespace(path=folder / "review.json", said=said, content=content, changed_to=other, second=second)


def test_what_two_readers_say_arrives_in_the_datalist(review, ids, pulled, cases):
    data = review.tasks[ids[0]]["data"]
    shown, chosen = data["slice_indices"], {each["index"] for each in data["answers"][0]["slices"]}

    assert "5 verdicts written" in pulled.said
    by_page = next(each for each in pulled.content["training"] if each["label_name"] == pulled.changed_to)
    assert by_page["case_id"] == by_page["group"] == ids[0]
    assert by_page["slices_rejected"] == [shown[1]]
    assert by_page["slices_confirmed"] == by_page["slices_added"] == []  # nobody judged them
    assert by_page["image"] == str(cases / "volume_0.nii.gz")
    agreeing = [each for each in pulled.content["training"] if each["reviewer"] == f"reader-{pulled.second}"]
    assert [each["slices_rejected"] for each in agreeing] == [[]] * 4
    by_api = next(each for each in agreeing if each["case_id"] == ids[0])
    assert by_api["slices_confirmed" if shown[1] in chosen else "slices_added"] == [shown[1]]
    paths = {case: str(cases / f"volume_{number}.nii.gz") for number, case in enumerate(ids)}
    assert {each["case_id"]: each["image"] for each in agreeing} == paths
    assert pulled.content["agreement"]["kind"] == "cohen"
    assert pulled.content["agreement"]["slice_kappa"] < 1.0


def test_the_model_is_fine_tuned_on_what_was_pulled(pulled, bundle_command, laboratory_command, tmp_path):
    configs = "['configs/train.json','configs/review.json']"
    options = ("--datalist", pulled.path, "--output_dir", tmp_path)
    groups = [case.get("group") or case["case_id"] for case in json.loads(pulled.path.read_text())["training"]]
    # ids, and so what is held out, differ from run to run: some cases must train and some be held out
    every = next(n for n in range(2, 100) if 0 < sum(is_held_out(group, n) for group in groups) < len(groups))

    bundle_command("run", "--config_file", configs, *options, "--holdout_every", every, "--epochs", 1)
    options = ("--bundle", "bundle", "--weights", tmp_path / "model.pt", "--holdout-every", every)
    table = laboratory_command("review", pulled.path, *options)

    before = torch.load(ROOT / "bundle/models/model.pt", weights_only=True)
    after = torch.load(tmp_path / "model.pt", weights_only=True)
    assert any(not torch.equal(before[name], after[name]) for name in before if name.startswith("sampler"))
    assert json.loads(table.splitlines()[-1])["cases"] == sum(is_held_out(group, every) for group in groups)


def test_label_studio_gets_live_predictions(review, ids, backend):
    task = review.tasks[ids[1]]
    before = review.http.get("/api/predictions/", params={"task": task["id"]}).json()
    for each in before:
        review.http.delete(f"/api/predictions/{each['id']}/").raise_for_status()

    review.http.post(
        "/api/dm/actions", params={"id": "retrieve_tasks_predictions", "project": review.project},
        json={"selectedItems": {"all": False, "included": [task["id"]]}},
    ).raise_for_status()  # fmt: skip

    (live,) = review.http.get("/api/predictions/", params={"task": task["id"]}).json()
    asked = task["predictions"][0]["result"]
    assert [row["value"] for row in live["result"]] == [row["value"] for row in asked]
    said, pushed = (rows[0]["answer"] for rows in (live["result"], asked))
    assert said["model"] == pushed["model"]
    assert [each["index"] for each in said["slices"]] == [each["index"] for each in pushed["slices"]]


def test_wrong_input_is_refused_and_the_backend_goes_on(review, ids, backend):
    def post(content, token=backend.token):
        headers = {"Authorization": f"Token {token}"}
        return httpx.post(f"{backend.url}/predict", content=content, headers=headers, timeout=60)

    def task(**data):
        return json.dumps({"tasks": [{"id": 1, "data": {"kind": "volume", "slice_indices": [], **data}}]})

    answers = [
        post(task()), post(task(case=f"case-{'0' * 16}")), post(task(case="../../etc/passwd")),
        post(task(case=ids[0]), token="wrong"), post(b"\xff\x00" * 5_000_000),
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [422, 404, 422, 401, 400]
    assert post(task(case=ids[0])).json()["results"][0]["result"]


@pytest.fixture(scope="module")
def two_models(results, command, tmp_path_factory):
    """What the bundle's model said of six studies in two batches, and what a retrained one says of all."""
    folder = tmp_path_factory.mktemp("two_models")
    for number, case in enumerate(make_sample_volumes(6)):
        write_nifti(case["image"][0], folder / ("all" if number < 4 else "more") / f"{number}.nii.gz")
    shutil.copytree(ROOT / "bundle/configs", folder / "bundle/configs")
    weights = torch.load(ROOT / "bundle/models/model.pt", weights_only=True)
    for name, values in weights.items():
        if name.startswith("sampler") and values.is_floating_point():
            weights[name] = values + values.std(correction=0) * torch.randn_like(values)
    (folder / "bundle/models").mkdir()
    torch.save(weights, folder / "bundle/models/model.pt")
    options = ("--accept-any-input", "--report", "json,slices", "--num-slices", 4)
    command("predict", folder / "more", "-o", folder / "batch", "--bundle", "bundle", *options)
    cases = (folder / "all", folder / "more")
    command("predict", *cases, "-o", folder / "retrained", "--bundle", folder / "bundle", *options)
    return SimpleNamespace(first=results, second=folder / "batch", retrained=folder / "retrained")


def tasks_in(http, project):
    listed = http.get("/api/tasks/", params={"project": project, "fields": "all"}).json()["tasks"]
    return {task["id"]: task for task in listed}


def say(http, task, rows, version=None, **fields):
    """Answer a task as the page does, from its prediction by the model ``version``."""
    started = [each for each in task["predictions"] if each["model_version"] == version]
    answer = {"result": [*(started[0]["result"] if started else []), *rows], **fields}
    if started:
        answer["parent_prediction"] = started[0]["id"]
    http.post(f"/api/tasks/{task['id']}/annotations/", json=answer).raise_for_status()


def informative(task, index):
    row = {"from_name": "verdict", "to_name": "slices", "type": "choices", "value": {"choices": ["informative"]}}
    return {**row, "item_index": task["data"]["slice_indices"].index(index)}


def test_two_batches_and_two_models_in_a_project_and_every_verdict_names_what_was_judged(two_models, server, http):
    old, new = (case_results(folder) for folder in (two_models.first, two_models.retrained))
    chosen = {
        case: [{each["index"] for each in found[case]["selected_slices"]} for found in (old, new)] for case in old
    }
    names = [model_version(next(iter(found.values()))["model"]) for found in (old, new)]
    with LabelStudioClient(server["LABEL_STUDIO_URL"], server["LABEL_STUDIO_API_KEY"]) as client:
        project, _ = ensure_project(client, "Two models", labelling_config("volume", ["normal", "hyperplasia"]))
        push_results(client, project, two_models.first)
        read, skipped, drafted, open_ = tasks_in(http, project).values()
        case = read["data"]["case"]
        say(http, read, [informative(read, min(chosen[case][0]))], names[0])
        say(http, skipped, [], names[0], was_cancelled=True)
        draft = {"result": drafted["predictions"][0]["result"], "lead_time": 9}
        http.post(f"/api/tasks/{drafted['id']}/drafts", json=draft).raise_for_status()

        assert push_results(client, project, two_models.second, PushOptions(limit=1)).added == 1
        pushed = push_results(client, project, two_models.retrained, PushOptions(limit=0))
        again = push_results(client, project, two_models.retrained, PushOptions(limit=0))

        after = tasks_in(http, project)
        fourth = after[open_["id"]]
        say(http, fourth, [informative(fourth, max(chosen[fourth["data"]["case"]][1]))], names[1])
        say(http, after[read["id"]], [informative(after[read["id"]], min(chosen[case][1]))], names[1])
        told, problems = exported_verdicts(client.export(project))

    assert (pushed.further, pushed.left, again.same) == (5, 1, 5)
    assert [sorted(each["model_version"] for each in task["predictions"]) for task in after.values()] == [
        sorted(names)
    ] * 5
    for task in (read, skipped, drafted, open_):
        assert after[task["id"]]["data"]["case"] == task["data"]["case"]
        assert after[task["id"]]["data"]["slices"][: len(task["data"]["slices"])] == task["data"]["slices"]
    assert [each["was_cancelled"] for each in after[skipped["id"]]["annotations"]] == [True]
    assert len(http.get(f"/api/tasks/{drafted['id']}/drafts").json()) == 1
    assert problems == []
    found = {(each.verdict.case_id, model_version(each.verdict.model)): each.verdict for each in told}
    assert found.keys() == {(case, names[0]), (case, names[1]), (fourth["data"]["case"], names[1])}
    for (case, version), verdict in found.items():
        assert set(verdict.slices_confirmed) <= chosen[case][names.index(version)]
        assert (len(verdict.slices_confirmed), verdict.slices_rejected, verdict.slices_added) == (1, (), ())


def test_blind_readers_get_no_prediction(two_models, server, http):
    with LabelStudioClient(server["LABEL_STUDIO_URL"], server["LABEL_STUDIO_API_KEY"]) as client:
        project, _ = ensure_project(client, "Blind", labelling_config("volume", ["normal", "hyperplasia"]))
        push_results(client, project, two_models.first, PushOptions(limit=1, blind=True))
        ((number, task),) = tasks_in(http, project).items()
        unsure = {"from_name": "class", "to_name": "slices", "type": "choices", "value": {"choices": ["unsure"]}}
        assert http.get(f"/api/tasks/{number}/").json()["predictions"] == []
        assert http.get(f"/api/projects/{project}/next/").json()["predictions"] == []
        say(http, task, [unsure, informative(task, task["data"]["answers"][0]["slices"][0]["index"])])
        ((_, verdict, _),), problems = exported_verdicts(client.export(project))

    assert problems == []
    assert (verdict.model, len(verdict.slices_confirmed)) == (task["data"]["answers"][0]["model"], 1)


def test_no_log_holds_a_token(review, backend, label_studio):
    assert label_studio.token not in backend.log.read_text()
    assert backend.token not in backend.log.read_text()
