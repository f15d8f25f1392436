"""Make a Label Studio project once, and see how far its readers are."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

from monai_das.review.client import LabelStudioClient


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
