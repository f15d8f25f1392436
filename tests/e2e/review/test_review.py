"""The review loop on a real Label Studio: init, push, a reader, pull, and live predictions."""

import json
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import torch

from monai_das.datasets import make_sample_volumes, write_nifti
from monai_das.datasets.reviewed import is_held_out
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
    assert review.pushes[0].startswith("4 tasks added, 0 there already")
    assert review.pushes[1].startswith("0 tasks added, 4 there already")
    assert sorted(review.tasks) == sorted(ids)
    assert "of 4 tasks reviewed" in command("review", "status", "--project", review.project, **review.server)


def answers_of_a_second_reader(review):
    """Agree with the model on every task, through the API; return the reader's number."""
    review.http.post("/api/users/", json={"email": "b@example.org", "username": "b", "password": "example-pass"})
    second = next(user["id"] for user in review.http.get("/api/users/").json() if user["email"] == "b@example.org")
    for task in review.tasks.values():
        answer = {"result": task["predictions"][0]["result"], "completed_by": second}
        review.http.post(f"/api/tasks/{task['id']}/annotations/", json=answer).raise_for_status()
    return second


@pytest.fixture(scope="module")
def pulled(review, ids, command, label_studio, results, chromium, tmp_path_factory):
    """The datalist after one reader at the web page (a slice rejected, the class changed), and one by the API."""
    pytest.importorskip("selenium")
    from tests.e2e.review.labelling_page import LabellingPage

    folder = tmp_path_factory.mktemp("pulled")
    first = review.tasks[ids[0]]
    other = next(name for name in first["data"]["classes"] if name != first["data"]["label"])
    with LabellingPage(label_studio.url, folder / "profile", *chromium) as page:
        page.log_in(label_studio.email, label_studio.password)
        page.open_task(review.project, first["id"])
        page.photograph("review.png")
        page.next_picture()
        page.choose("not informative")
        page.choose(other)
        page.submit()
    second = answers_of_a_second_reader(review)
    options = ("--project", review.project, "-o", folder / "review.json", "--map", results / "map.json")
    said = command("review", "pull", *options, **review.server)
    content = json.loads((folder / "review.json").read_text())
    return SimpleNamespace(path=folder / "review.json", said=said, content=content, changed_to=other, second=second)


def test_what_two_readers_say_arrives_in_the_datalist(review, ids, pulled, cases):
    selected = review.tasks[ids[0]]["data"]["slice_indices"]

    assert "5 verdicts written" in pulled.said
    by_page = next(each for each in pulled.content["training"] if each["label_name"] == pulled.changed_to)
    assert by_page["case_id"] == by_page["group"] == ids[0]
    assert by_page["slices_rejected"] == [selected[1]]
    assert by_page["slices_confirmed"] == []  # what the page had preset and the reader left
    assert by_page["image"] == str(cases / "volume_0.nii.gz")
    agreeing = [each for each in pulled.content["training"] if each["reviewer"] == f"reader-{pulled.second}"]
    assert [each["slices_rejected"] for each in agreeing] == [[]] * 4
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
    assert [row.get("item_index") for row in live["result"]] == [row.get("item_index") for row in asked]


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


def test_a_second_folder_in_a_project_leaves_the_tasks_of_the_first(server, http, results, command, tmp_path):
    for number, case in enumerate(make_sample_volumes(6)[4:]):
        write_nifti(case["image"][0], tmp_path / "more" / f"{number}.nii.gz")
    options = ("--bundle", "bundle", "--report", "json,slices", "--num-slices", 4)
    command("predict", tmp_path / "more", "-o", tmp_path / "out", *options)
    project = int(command("review", "init", "--title", "Two folders", "--bundle", "bundle", **server).split()[1])
    listed, answers = [], []
    for folder in (results, tmp_path / "out"):
        command("review", "push", folder, "--project", project, **server)
        found = http.get("/api/tasks/", params={"project": project, "fields": "all"}).json()["tasks"]
        listed.append({task["id"]: task["data"] for task in found})
        if not answers:
            answer = {"result": found[0]["predictions"][0]["result"]}
            answers.append(http.post(f"/api/tasks/{found[0]['id']}/annotations/", json=answer).json())

    first, both = listed
    assert (len(first), len(both)) == (4, 6)
    assert first.items() <= both.items()
    assert {data["case"] for data in both.values()} == {*case_results(results), *case_results(tmp_path / "out")}
    exported = http.get(f"/api/projects/{project}/export", params={"exportType": "JSON"}).json()
    assert [(task["id"], task["data"]["case"]) for task in exported] == [
        (answers[0]["task"], first[answers[0]["task"]]["case"])
    ]


def test_no_log_holds_a_token(review, backend, label_studio):
    assert label_studio.token not in backend.log.read_text()
    assert backend.token not in backend.log.read_text()
