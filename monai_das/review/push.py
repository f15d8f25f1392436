"""Send results to readers: one task for each study, to which every further model adds its prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from monai_das.review.client import LabelStudioClient
from monai_das.review.clip import encode_clip
from monai_das.review.labelling import KINDS, labelling_config
from monai_das.review.ordering import reading_order
from monai_das.review.tasks import (
    PredictedCase,
    has_answer,
    model_answer,
    predicted_cases,
    task_data,
    task_prediction,
    with_answer,
)
from monai_das.review.uploads import ProjectUploads


@dataclass(frozen=True)
class PushOptions:
    """What a push sends, and in which order.

    Attributes:
        order: of new studies, see :func:`~monai_das.review.reading_order`.
        limit: most new studies to add; None: all. Studies that have a task do not count.
        seed: of the random order.
        blind: readers see no prediction. The task says which model selected which slices, but not its class.
        every_slice: show all slices of a volume instead of the selected ones and their neighbours.

    Raises:
        ValueError: ``limit`` is below 0.
    """

    order: str = "uncertain"
    limit: int | None = None
    seed: int = 0
    blind: bool = False
    every_slice: bool = False

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise ValueError(f"limit must be 0 or more new studies, got {self.limit}")


@dataclass(frozen=True)
class PushedTasks:
    """Numbers of studies in a push.

    Attributes:
        added: new tasks.
        further: tasks that got the prediction of another model, or more pictures.
        same: tasks that had it all.
        left: new studies beyond the limit.
    """

    added: int
    further: int
    same: int
    left: int


def push_results(
    client: LabelStudioClient, project: int, folder: Path, options: PushOptions = PushOptions()
) -> PushedTasks:
    """Send the output of ``monai-das predict --report json,slices`` to a project; it may be interrupted and repeated.

    A study has one task in a project. No task is ever deleted, whether or not a reader has begun.

    Raises:
        FileNotFoundError: ``folder`` holds no result, or a case has no ``slices.zip``.
        ValueError: a result is damaged, the project asks for other classes, its tasks are of an earlier version, or
            readers would not be blind.
        LabelStudioError: Label Studio does not answer, or refuses.
    """
    cases = predicted_cases(folder)
    kind = _kind(client.project(project), project, cases)
    if options.blind and client.backends(project):
        raise ValueError(f"project {project} has a live backend, which shows its predictions; remove it for --blind")
    known = _known_tasks(client, project)
    files = [url for task in known.values() for url in task["data"].get("slices", [task["data"].get("video", "")])]
    push = _Push(client, project, kind, options, ProjectUploads(client, project, files))
    further = [push.extend(known[case.case_id], case) for case in cases if case.case_id in known]
    new = [case for case in cases if case.case_id not in known]
    order: list[int] = []
    if new:
        probabilities = np.array([list(case.result["probabilities"].values()) for case in new])
        order = reading_order(probabilities, options.order, options.seed)[: options.limit]
    for place in order:
        push.add(new[place])
    if not options.blind and (order or any(further)):
        client.show_predictions_of(project, model_answer(cases[-1].result)["version"])
    return PushedTasks(len(order), sum(further), len(further) - sum(further), len(new) - len(order))


def _kind(found: Mapping[str, Any], project: int, cases: Sequence[PredictedCase]) -> str:
    """Return the kind of a project, once it is clear that it asks what can be answered of ``cases``."""
    there = _controls(found["label_config"])
    classes = {tuple(case.result["probabilities"]) for case in cases}
    if len(classes) == 1:
        for kind in KINDS:
            if _controls(labelling_config(kind, *classes)).items() <= there.items():
                return kind
    named = " or ".join(", ".join(each) for each in sorted(classes))
    raise ValueError(
        f"project {project} asks other things than these results have, whose classes are {named}; make a project with "
        "monai-das review init and the bundle that made the results"
    )


def _controls(config: str) -> dict[str, Any]:
    """Return what a labelling configuration shows and asks, by name."""
    tags = ElementTree.fromstring(config).iter()
    return {
        each.get("name", ""): (
            each.tag,
            each.get("value"),
            each.get("valueList"),
            [child.get("value") for child in each],
        )
        for each in tags
        if each.get("name")
    }


def _known_tasks(client: LabelStudioClient, project: int) -> dict[str, dict[str, Any]]:
    """Return the tasks of a project by the ids of their cases; tasks of others have none, and are passed over."""
    known = {}
    for task in client.tasks(project):
        case = task["data"].get("case")
        if case is None:
            continue
        if "answers" not in task["data"]:
            raise ValueError(f"task {task['id']} was made by an earlier version; pull project {project}, make another")
        known[case] = task
    return known


@dataclass(frozen=True)
class _Push:
    client: LabelStudioClient
    project: int
    kind: str
    options: PushOptions
    uploads: ProjectUploads

    def add(self, case: PredictedCase) -> None:
        """Add a task."""
        data = task_data(case.result, self.kind)
        shown = case.shown(self.kind, self.options.every_slice)
        data = with_answer(data, case.result, blind=self.options.blind, more=shown)
        if self.kind == "clip":
            data["video"] = self.uploads.urls([encode_clip(case.pictures(shown))], ".mp4")[0]
        else:
            data["slices"] = self.uploads.urls(case.pictures(shown), ".png")
        predictions = [] if self.options.blind else [task_prediction(case.result, self.kind)]
        self.client.import_task(self.project, {"data": data, "predictions": predictions})

    def extend(self, task: Mapping[str, Any], case: PredictedCase) -> bool:
        """Add to a task what it lacks; return whether it lacked anything."""
        data = task["data"]
        shown = set(data["slice_indices"])
        more = [index for index in case.shown(self.kind, self.options.every_slice) if index not in shown]
        if has_answer(data, case.result) and not more:
            return False
        if not self.options.blind and not has_answer(data, case.result):
            self._predict(int(task["id"]), case)
        found = with_answer(data, case.result, blind=self.options.blind, more=more)
        if more:
            found["slices"] = [*data["slices"], *self.uploads.urls(case.pictures(more), ".png")]
        self.client.update_task(int(task["id"]), found)
        return True

    def _predict(self, task: int, case: PredictedCase) -> None:
        """Add a prediction, unless a push that was interrupted has added it."""
        prediction = task_prediction(case.result, self.kind)
        there = [each["result"] for each in self.client.predictions(task=task)]
        if not any(row.get("answer") == prediction["result"][0]["answer"] for rows in there for row in rows):
            self.client.add_prediction(task, prediction)
