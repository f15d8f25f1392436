"""An ML backend for Label Studio: live predictions of a bundle for its tasks."""

from __future__ import annotations

import hmac
import json
import logging
import re
import threading
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_das._optional import require
from monai_das.contract import InputRefusedError
from monai_das.data import CASE_ID, CaseKey
from monai_das.data.dicom import split_place
from monai_das.inference import DASModelInfo, Predictor
from monai_das.reports import as_json, read_case_map
from monai_das.reports.privacy import error_message
from monai_das.review.case_paths import open_case, studies_by_id
from monai_das.review.labelling import KINDS
from monai_das.review.tasks import model_version, task_prediction

LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")
MOST_BYTES = 64_000_000  # of a request: it holds the pictures of its tasks
logger = logging.getLogger(__name__)


class BackendRefusalError(ValueError):
    """The reason why a request cannot be answered, with its HTTP status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class LivePredictions:
    """Predict the cases under a folder by their ids, one at a time. A prediction is always of the study with the id.

    Args:
        predictor: the model.
        root: folder of the cases; paths that lead out of it are refused.
        case_key: made the ids.
        map_file: from ``monai-das predict --map``; without it every case under ``root`` is opened for its id, at the
            first request and when an unknown id is asked for.
    """

    def __init__(self, predictor: Predictor, root: Path, case_key: CaseKey, map_file: Path | None = None) -> None:
        self.predictor = predictor
        self.root = root.resolve()
        self.case_key = case_key
        self.map_file = map_file
        self._paths: dict[str, Path] = {}
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """The model in one line."""
        info: DASModelInfo = self.predictor.model.info
        return model_version({"name": info.name, "version": info.version, "weights_sha256": info.weights_sha256})

    def answer(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return Label Studio's ``{"results": [...]}`` to its request ``{"tasks": [...]}``.

        Raises:
            BackendRefusalError: there are no tasks (422), a task is not ours (422), or its case does not exist (404) or
                cannot be read (422).
        """
        tasks = content.get("tasks")
        if not isinstance(tasks, list) or not tasks:
            raise BackendRefusalError(422, "tasks must be a list of tasks")
        return {"results": [self._prediction(task) for task in tasks]}

    def _prediction(self, task: Any) -> dict[str, Any]:
        data = task.get("data") if isinstance(task, dict) else None
        name = f"task {task.get('id')}" if isinstance(task, dict) else "task"
        if not isinstance(data, dict) or not isinstance(data.get("case"), str) or data.get("kind") not in KINDS:
            raise BackendRefusalError(422, f"{name} is unknown: only tasks of monai-das review push have case and kind")
        with self._lock:
            path = self._path(data["case"], name)
            try:
                source = open_case(data["case"], path, self.case_key)
                result = self.predictor.predict(source, data["case"])
            except InputRefusedError as error:
                raise BackendRefusalError(422, f"{name}: case {data['case']}: {error.finding.plain}") from error
            except (ValueError, OSError) as error:
                logger.warning("%s: %s", name, error_message(error, data["case"]))
                raise BackendRefusalError(
                    422, f"{name}: case {data['case']} cannot be predicted; see the server's log"
                ) from error
        return task_prediction(as_json(result), data["kind"])

    def _path(self, case: str, name: str) -> Path:
        """Return the path of ``case``; if it is unknown or gone, the folder is searched again."""
        if not CASE_ID.fullmatch(case):
            raise BackendRefusalError(422, f"{name}: {case[:80]!r} is no case's id (case- and 16 hexadecimal digits)")
        # a series that shares its folder has a path of its own, where no file lies
        if case not in self._paths or not split_place(self._paths[case])[0].exists():
            self._paths = self._all_paths()
        path = self._paths.get(case)
        if path is None or not path.resolve().is_relative_to(self.root):
            raise BackendRefusalError(404, f"{name}: no case called {case} in the server's folder")
        return path

    def _all_paths(self) -> dict[str, Path]:
        if self.map_file is None:
            return studies_by_id([self.root], self.case_key)
        try:
            places = read_case_map(self.map_file)
        except (ValueError, OSError):
            return {}
        return {case: path for case, path in places.items() if isinstance(path, Path)}


def build_review_backend(live: LivePredictions, token: str | None = None, hosts: Sequence[str] = ()) -> Any:
    """Return the FastAPI application with ``/health``, ``/setup``, ``/predict`` and ``/webhook``.

    A request that calls it by another name than this machine's own or one of ``hosts`` is refused: a page in a browser
    may give its own name the address of this machine (DNS rebinding), and would then read what it answers.

    Args:
        live: makes the predictions.
        token: every request but ``/health`` must send it as ``Authorization: Token ...``, ``Bearer ...``, or as the
            password of ``Basic ...``, which Label Studio sends. None: no token is needed.
        hosts: further names by which it may be called.

    Raises:
        ImportError: FastAPI is not installed.
        ValueError: ``token`` is too short to be a secret.
    """
    if token is not None and len(token) < 16:
        raise ValueError(f"the backend's token must have at least 16 characters, got {len(token)}")
    fastapi: Any = require("fastapi", extra="review")
    routing: Any = require("starlette.routing", extra="review")
    posts: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]
    posts = {"/setup": _Setup(live), "/predict": live.answer, "/webhook": _webhook}
    routes = [
        routing.Route("/", _health, methods=["GET"]),
        routing.Route("/health", _health, methods=["GET"]),
        *(routing.Route(path, _endpoint(act, token), methods=["POST"]) for path, act in posts.items()),
    ]
    app = fastapi.FastAPI(routes=routes, openapi_url=None, docs_url=None, redoc_url=None)
    trusted: Any = require("starlette.middleware.trustedhost", extra="review").TrustedHostMiddleware
    app.add_middleware(trusted, allowed_hosts=[*LOOPBACK, *hosts], www_redirect=False)
    return app


async def _health(request: Any) -> Any:
    return _reply({"status": "UP"})


class _Setup:
    def __init__(self, live: LivePredictions) -> None:
        self.live = live

    def __call__(self, content: Mapping[str, Any]) -> dict[str, Any]:
        # Label Studio sends its access token along: nothing of the request is kept or logged
        return {"model_version": self.live.version}


def _webhook(content: Mapping[str, Any]) -> dict[str, Any]:
    """Accept an event without effect; training is a command of its own (``docs/review.md``)."""
    action = content.get("action")
    if not isinstance(action, str) or not re.fullmatch(r"[A-Z_]{1,60}", action):
        raise BackendRefusalError(422, "action must be the name of an event, such as ANNOTATION_CREATED")
    logger.info("event %s", action)
    return {"status": "noted"}


def _endpoint(act: Callable[[Mapping[str, Any]], dict[str, Any]], token: str | None) -> Callable[[Any], Awaitable[Any]]:
    """Return a function that answers a request by ``act``, and turns a refusal into its status and reason."""

    async def endpoint(request: Any) -> Any:
        concurrency: Any = require("starlette.concurrency", extra="review")
        requests: Any = require("starlette.requests", extra="review")
        try:
            _authorise(request.headers.get("authorization", ""), token)
            content = _as_object(await _body(request))
            return _reply(await concurrency.run_in_threadpool(act, content))
        except BackendRefusalError as refusal:
            return _reply({"detail": str(refusal)}, refusal.status)
        except requests.ClientDisconnect:
            return _reply({"detail": "the request ended before its body"}, 400)  # nobody reads it

    return endpoint


def _reply(content: dict[str, Any], status: int = 200) -> Any:
    return require("starlette.responses", extra="review").JSONResponse(content, status)


def _authorise(header: str, token: str | None) -> None:
    if token is None:
        return
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:
            given = ""
    if not hmac.compare_digest(given.encode(errors="replace"), token.encode()):
        raise BackendRefusalError(401, "wrong or missing token; send Authorization: Token ... or Basic ...")


async def _body(request: Any) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise BackendRefusalError(
                413, f"the request is larger than {MOST_BYTES // 1_000_000} MB; ask for fewer tasks"
            )
    return bytes(body)


def _as_object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise BackendRefusalError(400, "the request is not JSON") from error
    if not isinstance(content, dict):
        raise BackendRefusalError(400, f"the request must be a JSON object, got {type(content).__name__}")
    return content
