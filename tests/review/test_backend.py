"""The backend as a server on a free port, asked over HTTP."""

import json
import re
import shutil
import socket
import threading
import time
from base64 import b64encode

import httpx
import numpy as np
import pytest
import uvicorn

from monai_das.data import CaseKey, open_source
from monai_das.datasets import write_dicom_series, write_nifti
from monai_das.inference import Predictor
from monai_das.review import BackendRefusalError, LivePredictions, backend, build_review_backend, impatient_protocol
from tests.inference.conftest import random_bundle, volume

__all__ = ["random_bundle", "volume"]
KEY = CaseKey(b"a key of the tests, known to everyone")
TOKEN = "a token of the tests"


@pytest.fixture
def live(random_bundle, volume, tmp_path):
    write_nifti(volume, tmp_path / "cases" / "first.nii.gz")
    (tmp_path / "cases" / "damaged.nii.gz").write_bytes(b"no NIfTI")
    (tmp_path / "cases" / "leads_out.nii.gz").symlink_to(tmp_path / "outside.nii.gz")
    write_nifti(volume_of_others(), tmp_path / "outside.nii.gz")
    return LivePredictions(Predictor(random_bundle, num_slices=3), tmp_path / "cases", KEY)


@pytest.fixture
def ids(live, tmp_path):
    """The id of the case, and of that outside the folder."""
    return {
        "first": KEY.case_id(open_source(tmp_path / "cases" / "first.nii.gz")),
        "leads_out": KEY.case_id(open_source(tmp_path / "outside.nii.gz")),
    }


def volume_of_others():
    return np.ones((12, 10, 6), np.uint8)


@pytest.fixture
def serve():
    """Start an application; return a client of it."""
    running = []

    def start(app, **settings):
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, **settings))
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        client = httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60)
        running.append((server, thread, listener, client))
        while not server.started:
            time.sleep(0.02)
        return client

    yield start
    for server, thread, listener, client in running:
        client.close()
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def client(live, serve):
    return serve(build_review_backend(live))


def tasks(**data):
    return {"tasks": [{"id": 7, "data": {"kind": "volume", **data}}]}


def test_a_prediction_says_what_was_selected_and_has_no_verdict_on_it(client, live, ids):
    (found,) = client.post("/predict", json=tasks(case=ids["first"])).json()["results"]

    (row,) = found["result"]
    assert (row["from_name"], len(row["answer"]["slices"])) == ("class", 3)
    assert found["model_version"] == live.version == client.post("/setup", json={}).json()["model_version"]


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        ({"tasks": []}, 422, "tasks must be a list of tasks"),
        ({"tasks": [7]}, 422, "task is unknown"),
        (tasks(), 422, "task 7 is unknown: only tasks of monai-das review push have case and kind"),
        (tasks(case=f"case-{'0' * 16}"), 404, "task 7: no case called case-0000000000000000 in the server's folder"),
        (tasks(case="first"), 422, "task 7: 'first' is no case's id (case- and 16 hexadecimal digits)"),
        (tasks(case="../outside"), 422, "task 7: '../outside' is no case's id"),
        (tasks(case="{leads_out}"), 404, "task 7: no case called {leads_out}"),
        ([1], 400, "the request must be a JSON object, got list"),
    ],
)
def test_wrong_requests_are_refused_and_the_next_is_answered(client, ids, content, status, message):
    def with_ids(text):
        return text.replace("{first}", ids["first"]).replace("{leads_out}", ids["leads_out"])

    refused = client.post("/predict", content=with_ids(json.dumps(content)))

    assert refused.status_code == status
    assert refused.json()["detail"].startswith(with_ids(message))
    assert client.post("/predict", json=tasks(case=ids["first"])).status_code == 200


def test_ten_megabytes_of_garbage_are_refused(client):
    assert client.post("/predict", content=b"\xff" * 10_000_000).json() == {"detail": "the request is not JSON"}
    assert client.post("/predict", content=b"[" * 10_000_000).status_code == 400


def test_more_than_can_be_a_request_is_refused(client, monkeypatch):
    monkeypatch.setattr("monai_das.review.backend.MOST_BYTES", 1000)

    assert client.post("/predict", content=b" " * 1001).status_code == 413


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Token {TOKEN}", 200),
        ("Basic " + b64encode(f"label-studio:{TOKEN}".encode()).decode(), 200),
        ("Basic no base64", 401),
        ("Token wrong", 401),
        ("", 401),
    ],
)
def test_a_token_is_asked_for_at_all_but_health(live, serve, header, status):
    client = serve(build_review_backend(live, TOKEN))

    assert client.post("/setup", json={}, headers={"Authorization": header}).status_code == status
    assert client.get("/health").json() == {"status": "UP"}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9090", 200),
        ("localhost:9090", 200),
        ("[::1]:9090", 200),
        ("studio.example.org", 200),
        ("evil.example.org:9090", 400),
        ("127.0.0.1.evil.example.org", 400),
    ],
)
def test_a_request_by_a_foreign_name_is_refused(live, serve, host, status):
    client = serve(build_review_backend(live, hosts=["studio.example.org"]))

    assert [client.get("/health", headers={"Host": host}).status_code,
            client.post("/setup", json={}, headers={"Host": host}).status_code] == [status, status]  # fmt: skip


REQUEST = b"POST /setup HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize("half", [b"", b"POST /pre", REQUEST, REQUEST + b"{"])
def test_a_connection_that_falls_silent_is_closed(live, serve, half):
    client = serve(build_review_backend(live), http=impatient_protocol(0.3))

    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as connection:
        connection.sendall(half)
        while connection.recv(1000):  # b"" once the server has closed it
            pass


def test_a_long_answer_is_waited_for_and_the_connection_used_again(live, serve, ids, monkeypatch):
    client = serve(build_review_backend(live), http=impatient_protocol(0.3))
    predict = live.predictor.predict
    monkeypatch.setattr(live.predictor, "predict", lambda *given: time.sleep(0.8) or predict(*given))

    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as connection:
        body = json.dumps(tasks(case=ids["first"])).encode()
        header = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        connection.sendall(header + body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        connection.sendall(REQUEST + b"{}")
        assert b"model_version" in b"".join(iter(lambda: connection.recv(1000), b""))


def test_short_tokens_are_refused(live):
    with pytest.raises(ValueError, match="token must have at least 16 characters, got 5"):
        build_review_backend(live, "short")


def test_webhooks_are_noted_and_no_token_is_logged(client, caplog):
    assert client.post("/webhook", json={"action": "ANNOTATION_CREATED"}).json() == {"status": "noted"}
    assert client.post("/webhook", json={"action": "x\ny"}).status_code == 422
    client.post("/setup", json={"access_token": "secret-of-the-server"})

    assert "event ANNOTATION_CREATED" in caplog.text
    assert "secret-of-the-server" not in caplog.text


def mapped(live, tmp_path, **places):
    """The backend by a map."""
    content = {"cases": {case.replace("_", "-"): str(path) for case, path in places.items()}}
    (tmp_path / "map.json").write_text(json.dumps(content))
    return LivePredictions(live.predictor, tmp_path / "cases", KEY, tmp_path / "map.json")


def test_a_map_names_the_cases(live, ids, tmp_path):
    by_map = mapped(live, tmp_path, **{ids["first"]: tmp_path / "cases" / "first.nii.gz"})

    assert by_map.answer(tasks(case=ids["first"]))["results"][0]["result"]


@pytest.mark.parametrize("name", ["second", "damaged"])
def test_a_path_that_holds_another_study_or_none_is_refused(live, ids, tmp_path, name, caplog):
    write_nifti(volume_of_others(), tmp_path / "cases" / "second.nii.gz")
    by_map = mapped(live, tmp_path, **{ids["first"]: tmp_path / "cases" / f"{name}.nii.gz"})

    with pytest.raises(BackendRefusalError, match=f"task 7: case {ids['first']} cannot be predicted; see the server"):
        by_map.answer(tasks(case=ids["first"]))

    words = {"second": "another study \\(case-", "damaged": "cannot be read: ValueError: case-"}[name]
    assert re.search(f"task 7: ValueError: {ids['first']}:? {words}", caplog.text)
    assert str(tmp_path) not in caplog.text


def test_a_map_that_has_become_unreadable_knows_no_case(live, ids, tmp_path):
    by_map = mapped(live, tmp_path)
    (tmp_path / "map.json").write_text("no map")

    with pytest.raises(BackendRefusalError, match="no case called"):
        by_map.answer(tasks(case=ids["first"]))


def test_a_case_that_comes_later_is_found(client, ids, tmp_path):
    write_nifti(volume_of_others(), tmp_path / "cases" / "added.nii.gz")

    assert client.post("/predict", json=tasks(case=ids["first"])).status_code == 200
    (tmp_path / "cases" / "first.nii.gz").rename(tmp_path / "cases" / "renamed.nii.gz")
    assert client.post("/predict", json=tasks(case=ids["first"])).status_code == 200


def test_two_series_of_one_folder_are_found_once(live, volume, tmp_path, monkeypatch):
    for name in ("one", "two"):
        write_dicom_series(volume, tmp_path / name)
        for path in (tmp_path / name).iterdir():
            (tmp_path / "cases" / "study").mkdir(exist_ok=True)
            shutil.copy(path, tmp_path / "cases" / "study" / f"{name}_{path.name}")
    searches = []
    search = backend.studies_by_id
    monkeypatch.setattr(backend, "studies_by_id", lambda *given: searches.append(1) or search(*given))

    for name in ("one", "two"):
        case = KEY.case_id(open_source(tmp_path / name))
        assert live.answer(tasks(case=case))["results"][0]["result"]

    assert searches == [1]
