"""A small client for the part of Label Studio's web API that the review loop needs.

It uses plain HTTP, because ``label-studio-sdk`` brings thirty packages with pins of their own for these few calls.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from monai_das._optional import require

PAGE = 50
TIMEOUT = 120.0  # seconds; an import of large pictures takes its time


class LabelStudioError(RuntimeError):
    """A refusal by Label Studio, in its own words."""


class LabelStudioClient:
    """Speak to the Label Studio at ``url`` with the API token ``token``, which never appears in a message.

    Args:
        url: such as ``http://127.0.0.1:8080``.
        token: a legacy token (40 hexadecimal digits) or a personal access token, which Label Studio exchanges for
            one that is valid for minutes.

    Raises:
        ImportError: httpx is not installed.
        ValueError: ``url`` is not a web address, or ``token`` has no valid form.
    """

    def __init__(self, url: str, token: str) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"url must begin with http:// or https://, got {url!r}")
        if not (token.isascii() and token.isprintable() and " " not in token and token):
            raise ValueError(
                "the token is empty or holds blanks or other letters; copy it from Label Studio's account page"
            )
        self._httpx: Any = require("httpx", extra="review")
        self._http = self._httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT)
        self.url = url.rstrip("/")
        self._token = token

    def __enter__(self) -> LabelStudioClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def projects(self) -> list[dict[str, Any]]:
        """Return all projects that the token may see."""
        return list(self._pages("/api/projects/", {"page_size": PAGE}, "results"))

    def project(self, number: int) -> dict[str, Any]:
        """Return one project, with its counts of tasks and answers."""
        found: dict[str, Any] = self._ask("GET", f"/api/projects/{number}/")
        return found

    def create_project(self, title: str, config: str) -> dict[str, Any]:
        """Return the new project; predictions are shown to readers as a first answer."""
        content = {"title": title, "label_config": config, "show_collab_predictions": True}
        found: dict[str, Any] = self._ask("POST", "/api/projects/", json=content)
        return found

    def show_predictions_of(self, number: int, version: str) -> None:
        """Let readers start from the predictions of the model ``version``."""
        self._ask("PATCH", f"/api/projects/{number}/", json={"model_version": version})

    def backends(self, number: int) -> list[dict[str, Any]]:
        """Return the ML backends of a project."""
        found: list[dict[str, Any]] = self._ask("GET", "/api/ml/", params={"project": number})
        return found

    def connect_backend(self, number: int, url: str, title: str, token: str | None) -> None:
        """Make the ML backend at ``url`` a project's own; one called ``title`` gets this address and token instead."""
        content: dict[str, Any] = {"project": number, "url": url, "title": title, "auth_method": "NONE"}
        if token:
            content |= {"auth_method": "BASIC_AUTH", "basic_auth_user": "label-studio", "basic_auth_pass": token}
        ours = [
            each
            for each in self.backends(number)
            if each["title"] == title or each["url"].rstrip("/") == url.rstrip("/")
        ]
        if ours:
            self._ask("PATCH", f"/api/ml/{ours[0]['id']}", json=content)
        else:
            self._ask("POST", "/api/ml/", json=content)

    def tasks(self, number: int) -> Iterator[dict[str, Any]]:
        """Yield a project's tasks with their data and ``total_annotations``."""
        return self._pages("/api/tasks/", {"project": number, "page_size": PAGE, "resolve_uri": "false"}, "tasks")

    def import_task(self, number: int, task: dict[str, Any]) -> None:
        """Add a task with its predictions."""
        self._ask("POST", f"/api/projects/{number}/import", json=[task])

    def update_task(self, task: int, data: dict[str, Any]) -> None:
        """Replace the data of a task; its answers, drafts and predictions stay."""
        self._ask("PATCH", f"/api/tasks/{task}/", json={"data": data})

    def predictions(self, **of: int) -> list[dict[str, Any]]:
        """Return the predictions ``of`` a ``task`` or a ``project``."""
        found: list[dict[str, Any]] = self._ask("GET", "/api/predictions/", params=of)
        return found

    def add_prediction(self, task: int, prediction: dict[str, Any]) -> None:
        """Add a further prediction to a task."""
        self._ask("POST", "/api/predictions/", json={"task": task, **prediction})

    def upload(self, number: int, files: Mapping[str, bytes]) -> list[str]:
        """Store ``files`` by their names in a project; return where readers find them, in any order."""
        # Label Studio reads one file of each field
        parts = {name: (name, content) for name, content in files.items()}
        path = f"/api/projects/{number}/import"
        answer = self._ask("POST", path, params={"commit_to_project": "false"}, files=parts)
        numbers = {"ids": json.dumps(answer["file_upload_ids"])}
        found = self._ask("GET", f"/api/projects/{number}/file-uploads", params=numbers)
        return [f"{urlsplit(self.url).path}/data/{each['file']}" for each in found]

    def export(self, number: int) -> list[dict[str, Any]]:
        """Return the answered tasks in the form of the full JSON export, with their predictions."""
        found: list[dict[str, Any]] = self._ask("GET", f"/api/projects/{number}/export", params={"exportType": "JSON"})
        predictions: dict[int, list[dict[str, Any]]] = {}
        for each in self.predictions(project=number):
            predictions.setdefault(each["task"], []).append(each)
        return [{**task, "predictions": predictions.get(task["id"], [])} for task in found]

    def _pages(self, path: str, params: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            answer = self._ask("GET", path, params={**params, "page": page})
            yield from answer[key]
            if page * PAGE >= int(answer.get("count", answer.get("total", 0))):
                return
            page += 1

    def _ask(self, method: str, path: str, **content: Any) -> Any:
        """Return the JSON of Label Studio's answer, None for an empty one."""
        try:
            answer = self._http.request(method, path, headers={"Authorization": self._authorization()}, **content)
        except self._httpx.TransportError as error:
            raise LabelStudioError(f"{self.url} does not answer ({error}); is Label Studio started there?") from error
        if answer.status_code == 401:
            raise LabelStudioError(f"{self.url} refuses the token; copy it from Label Studio's account page")
        if answer.status_code == 404:
            raise LabelStudioError(f"{self.url}{path}: not found; monai-das review init says the project's number")
        if answer.is_error:
            raise LabelStudioError(f"{method} {self.url}{path}: {answer.status_code}, {_reason(answer.text)}")
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise LabelStudioError(
                f"{self.url}{path} answers something else than JSON; is it a Label Studio?"
            ) from error

    def _authorization(self) -> str:
        if self._token.count(".") != 2:
            return f"Token {self._token}"
        answer = self._http.post("/api/token/refresh/", json={"refresh": self._token})
        if answer.is_error:
            raise LabelStudioError(f"{self.url} refuses the personal access token; make a new one")
        return f"Bearer {answer.json()['access']}"


def _reason(text: str) -> str:
    return text if len(text) <= 500 else text[:500] + "..."
