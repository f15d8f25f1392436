"""The backend as a server on a free port, asked over HTTP."""

import json
import socket
import threading
import time
from base64 import b64encode

import httpx
import pytest
import uvicorn

from monai_das.datasets import write_nifti
from monai_das.inference import Predictor
from monai_das.review import LivePredictions, build_review_backend
from tests.inference.conftest import random_bundle, volume

__all__ = ["random_bundle", "volume"]
TOKEN = "a token of the tests"


@pytest.fixture
def live(random_bundle, volume, tmp_path):
    write_nifti(volume, tmp_path / "cases" / "first.nii.gz")
    (tmp_path / "cases" / "damaged.nii.gz").write_bytes(b"no NIfTI")
    (tmp_path / "cases" / "leads_out.nii.gz").symlink_to(tmp_path / "outside.nii.gz")
    write_nifti(volume, tmp_path / "outside.nii.gz")
    return LivePredictions(Predictor(random_bundle, num_slices=3), tmp_path / "cases")


@pytest.fixture
def serve():
    """Start an application; return a client of it."""
    running = []

    def start(app):
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
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
    return {"tasks": [{"id": 7, "data": {"kind": "volume", "slice_indices": list(range(12)), **data}}]}


def test_a_prediction_has_a_verdict_for_each_selected_slice(client, live):
    (found,) = client.post("/predict", json=tasks(case="first")).json()["results"]

    assert [row["from_name"] for row in found["result"]] == ["class", "verdict", "verdict", "verdict"]
    assert found["model_version"] == live.version == client.post("/setup", json={}).json()["model_version"]


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        ({"tasks": []}, 422, "tasks must be a list of tasks"),
        ({"tasks": [7]}, 422, "task is unknown"),
        (tasks(), 422, "task 7 is unknown: only tasks of monai-das review push have case and kind"),
        (tasks(case="first", slice_indices=None), 422, "task 7: slice_indices must be a list of slice numbers"),
        (tasks(case="nobody"), 404, "task 7: no case called nobody in the server's folder"),
        (tasks(case="../outside"), 422, "task 7: '../outside' is no case's id"),
        (tasks(case="leads_out"), 404, "task 7: no case called leads_out"),
        (tasks(case="damaged"), 422, "task 7: case damaged cannot be read; see the server's log"),
        ([1], 400, "the request must be a JSON object, got list"),
    ],
)
def test_wrong_requests_are_refused_and_the_next_is_answered(client, content, status, message):
    refused = client.post("/predict", json=content)

    assert refused.status_code == status
    assert refused.json()["detail"].startswith(message)
    assert client.post("/predict", json=tasks(case="first")).status_code == 200


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


def test_short_tokens_are_refused(live):
    with pytest.raises(ValueError, match="token must have at least 16 characters, got 5"):
        build_review_backend(live, "short")


def test_webhooks_are_noted_and_no_token_is_logged(client, caplog):
    assert client.post("/webhook", json={"action": "ANNOTATION_CREATED"}).json() == {"status": "noted"}
    assert client.post("/webhook", json={"action": "x\ny"}).status_code == 422
    client.post("/setup", json={"access_token": "secret-of-the-server"})

    assert "event ANNOTATION_CREATED" in caplog.text
    assert "secret-of-the-server" not in caplog.text


def test_a_map_names_the_cases(live, tmp_path, random_bundle):
    (tmp_path / "map.json").write_text(json.dumps({"cases": {"case-0001": str(tmp_path / "cases" / "first.nii.gz")}}))
    mapped = LivePredictions(live.predictor, tmp_path / "cases", tmp_path / "map.json")

    assert mapped.answer(tasks(case="case-0001"))["results"][0]["result"]
