"""Make a Label Studio project once, fill it without duplicates, and read it back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from monai_das.review.client import LabelStudioClient


@dataclass(frozen=True)
class PushedTasks:
    """Numbers of tasks in a push.

    Attributes:
        added: new tasks.
        same: tasks that existed already.
        replaced: tasks whose results had changed and that nobody had answered.
        kept: tasks whose results had changed but that a reader had answered; the answer stays with what was shown.
    """

    added: int = 0
    same: int = 0
    replaced: int = 0
    kept: int = 0


@dataclass(frozen=True)
class ReviewProgress:
    """A project's title, and its numbers of tasks, of tasks with an answer, of answers and of predictions."""

    title: str
    tasks: int
    reviewed: int
    answers: int
    predictions: int


def ensure_project(client: LabelStudioClient, title: str, config: str) -> tuple[int, bool]:
    """Return the number of the project ``title``, and whether it is new.

    Raises:
        ValueError: such a project exists with another labelling configuration.
        LabelStudioError: Label Studio does not answer, or refuses.
    """
    for project in client.projects():
        if project["title"] == title:
            number = int(project["id"])
            if _canonical(client.project(number)["label_config"]) != _canonical(config):
                raise ValueError(f"project {number} is called {title!r} and asks other things; choose another title")
            return number, False
    return int(client.create_project(title, config)["id"]), True


def _canonical(xml: str) -> str:
    return ElementTree.canonicalize(xml, strip_text=True)


def push_tasks(client: LabelStudioClient, project: int, tasks: Iterable[dict[str, Any]]) -> PushedTasks:
    """Add ``tasks`` to a project unless their key is there already; an interrupted push can be repeated.

    Raises:
        LabelStudioError: Label Studio does not answer, or refuses.
    """
    known = {task["data"].get("key"): _Known.of(task) for task in client.tasks(project)}
    counts = {"added": 0, "same": 0, "replaced": 0, "kept": 0}
    version = None
    for task in tasks:
        there = known.get(task["data"]["key"])
        version = task["predictions"][0]["model_version"]
        outcome = _outcome(there, task)
        counts[outcome] += 1
        if outcome == "replaced" and there is not None:
            client.delete_task(there.number)
        if outcome in ("added", "replaced"):
            client.import_task(project, task)
    if version is not None:
        client.show_predictions_of(project, version)
    return PushedTasks(**counts)


@dataclass(frozen=True)
class _Known:
    """The fields of an existing task that are needed, without the pictures, which would fill the memory."""

    number: int
    digest: str
    answered: bool

    @classmethod
    def of(cls, task: dict[str, Any]) -> _Known:
        return cls(int(task["id"]), task["data"].get("digest", ""), bool(task.get("total_annotations")))


def _outcome(there: _Known | None, task: dict[str, Any]) -> str:
    if there is None:
        return "added"
    if there.digest == task["data"]["digest"]:
        return "same"
    return "kept" if there.answered else "replaced"


def review_progress(client: LabelStudioClient, project: int) -> ReviewProgress:
    """Return the progress of the readers of a project.

    Raises:
        LabelStudioError: Label Studio does not answer, or there is no such project.
    """
    found = client.project(project)
    return ReviewProgress(
        title=str(found["title"]),
        tasks=int(found["task_number"]),
        reviewed=int(found["num_tasks_with_annotations"]),
        answers=int(found["total_annotations_number"]),
        predictions=int(found["total_predictions_number"]),
    )
