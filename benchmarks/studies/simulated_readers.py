"""Does a model learn from readers? Simulated readers, on sets whose truth is known for every slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from monai.bundle import ConfigWorkflow
from torch import Tensor

from benchmarks.engine.job import ENGINE
from benchmarks.engine.study_cell import evidence_settings, study_cell, trained
from benchmarks.sets import DASEvidenceSet, needle_set, planted_set, real_backgrounds
from benchmarks.studies.reader_clips import clip_sets
from monai_das.networks import DASNetwork

OVERLAY = Path(__file__).with_name("readers.json")
REQUIRED = ("needle", "planted")
LONGER = "needle_longer"
CLIPS = "covid_blues"
ARMS = ("before", "after", "labels only")


@dataclass(frozen=True)
class ReadersRecipe:
    """One experiment: a base model trained too shortly, a share of its cases reviewed, and fine-tuning.

    Base model and fine-tuning are cells of ``configs/method/das.json``. Fine-tuning shows all cases again with their
    classes, and the verdicts of the reviewed ones.

    Attributes:
        cases, test_cases: for training the base model, and held out; of clips at most so many.
        epochs: of the base model.
        reviewed: share of the training cases that readers see.
        miss: how often a reader overlooks evidence that the model did not choose, or rejects what it did choose.
        false_alarm: how often a reader confirms a chosen slice without evidence.
        tune_epochs, tune_rate: of fine-tuning.
        verdict_weight: of the readers' term in fine-tuning.
        detach_choice: in fine-tuning the class loss does not reach the choice.
    """

    cases: int = 800
    test_cases: int = 400
    num_slices: int = 4
    epochs: int = 6
    reviewed: float = 0.2
    miss: float = 0.1
    false_alarm: float = 0.05
    tune_epochs: int = 4
    tune_rate: float = 1e-3
    verdict_weight: float = 1.0
    detach_choice: bool = True


# the needle is found all at once: a model trained for longer may choose every needle, which leaves nothing to learn
RECIPES = {
    "needle": ReadersRecipe(cases=600, epochs=4),
    "planted": ReadersRecipe(),
    LONGER: ReadersRecipe(),
    CLIPS: ReadersRecipe(cases=100, test_cases=50, epochs=12),
}


class Measured(NamedTuple):
    """Per case of a test: probability of class 1 ``(N,)``, chosen slices ``(N, k)`` (-1: none)."""

    probabilities: Tensor
    chosen: Tensor


def readers_job(job: Mapping[str, Any], root: str | None = None) -> dict[str, Any]:
    """Run the experiment of ``job``: its ``task``, ``seed`` and the fields of :class:`ReadersRecipe`.

    ``root`` is the folder of the real backgrounds and of COVID-BLUES.

    Returns:
        Per case of the test: ``label``; ``verdicts``, the slices that the simulated reader wants; and for each of
        ``before``, ``after`` and ``labels only`` (the same fine-tuning without verdicts) ``p``, the probability of
        class 1, and ``chosen``. All are lists, rounded to five digits. ``engine`` says what trained them.
    """
    recipe = ReadersRecipe(**{name: job[name] for name in asdict(ReadersRecipe())})
    torch.set_num_threads(1)
    seed = int(job["seed"])
    cases, test = task_sets(str(job["task"]), recipe, seed, root)
    settings = {"seed": seed, "num_slices": recipe.num_slices, "epochs": recipe.epochs, **evidence_settings(cases)}
    before = trained(study_cell("needle", "das", settings))
    generator = torch.Generator().manual_seed(seed)
    verdicts = torch.zeros(cases.evidence.shape, dtype=torch.int64)
    number = round(recipe.reviewed * len(cases.labels))
    chosen = measure(before, cases.images[:number]).chosen
    verdicts[:number] = simulated_verdicts(cases.evidence[:number], chosen, recipe, generator)
    after = fine_tuned(before, settings, recipe, verdicts)
    labels_only = fine_tuned(before, settings, recipe, torch.zeros_like(verdicts))
    nothing = torch.full_like(measure(before, test.images).chosen, -1)
    wanted = simulated_verdicts(test.evidence, nothing, recipe, generator)
    outcomes = {name: measure(each, test.images) for name, each in zip(ARMS, (before, after, labels_only), strict=True)}
    return {
        "engine": ENGINE,
        "label": test.labels.tolist(),
        "evidence": marked_slices(test.evidence),
        "verdicts": marked_slices(wanted > 0),
        **{name: as_lists(each) for name, each in outcomes.items()},
    }


def fine_tuned(
    start: DASNetwork,
    settings: Mapping[str, Any],
    recipe: ReadersRecipe,
    verdicts: Tensor,
    cell: tuple[str, str] = ("needle", "das"),
) -> DASNetwork:
    """Return ``start`` trained further on the cases of ``settings``, which carry their ``verdicts`` ``(N, D)``.

    ``cell`` names the configs of data and method that ``start`` was trained by.
    """
    cases = zip(settings["train_cases"], verdicts, strict=True)
    asked = {
        **settings,
        "train_cases": tuple({**case, "verdicts": said, "slice_count": len(said)} for case, said in cases),
        "epochs": recipe.tune_epochs,
        "learning_rate": recipe.tune_rate,
        "verdict_weight": recipe.verdict_weight,
        "network_def#detach_choice": recipe.detach_choice,
    }

    def load(workflow: ConfigWorkflow) -> None:
        workflow.parser.get_parsed_content("network_def").load_state_dict(start.state_dict())

    return trained(study_cell(*cell, asked, OVERLAY), prepare=load)


@torch.no_grad()
def measure(network: DASNetwork, images: Tensor) -> Measured:
    """Return what ``network``, in ``eval()``, says about ``images`` ``(N, 1, H, W, D)``."""
    probabilities, chosen = [], []
    for part in torch.split(images, 50):
        selection = network.score(network.thumbnails(part))
        chosen.append(torch.where(selection.kept, selection.indices, -1))
        probabilities.append(torch.softmax(network(part), dim=1)[:, 1])
    return Measured(torch.cat(probabilities), torch.cat(chosen))


def as_lists(measured: Measured) -> dict[str, Any]:
    """Return what was measured in the form of JSON."""
    return {"p": [round(value, 5) for value in measured.probabilities.tolist()], "chosen": measured.chosen.tolist()}


def marked_slices(marks: Tensor) -> list[list[int]]:
    """Return the numbers of the slices that are true in each row of ``marks`` ``(N, D)``."""
    return [torch.nonzero(row).flatten().tolist() for row in marks]


def task_sets(task: str, recipe: ReadersRecipe, seed: int, root: str | None) -> tuple[DASEvidenceSet, DASEvidenceSet]:
    """Return the cases for training and the held-out ones; ``root`` is where real backgrounds and clips lie."""
    if task == CLIPS:
        return clip_sets(root or ".", seed, (recipe.cases, recipe.test_cases), recipe.num_slices, recipe.epochs)
    sizes = ((recipe.cases, 2 * seed), (recipe.test_cases, 2 * seed + 1))
    if task in ("needle", LONGER):
        needles = [needle_set(number, each) for number, each in sizes]
        first, second = (
            DASEvidenceSet(part.images, part.labels, marked_places(part.needles, part.images.size(4)))
            for part in needles
        )
        return first, second
    stacks = real_backgrounds(root)
    first, second = (
        planted_set(number, each, side) for (number, each), side in zip(sizes, (stacks.train, stacks.test), strict=True)
    )
    return first, second


def marked_places(places: Tensor, depth: int) -> Tensor:
    """Return ``(N, D)`` bool, true at ``places`` ``(N,)``."""
    return places[:, None] == torch.arange(depth)


def simulated_verdicts(evidence: Tensor, chosen: Tensor, recipe: ReadersRecipe, generator: torch.Generator) -> Tensor:
    """Return verdicts ``(N, D)`` of -1, 0 and 1 of a reader who knows the truth and errs now and then.

    A chosen slice with evidence is confirmed, or rejected with the probability ``miss``; one without is rejected, or
    confirmed with ``false_alarm``; evidence that was not chosen is added, or overlooked with ``miss``.

    Args:
        evidence: ``(N, D)`` bool.
        chosen: ``(N, k)`` indices, -1 for none.
        recipe: the error rates.
        generator: of the errors.
    """
    depth = evidence.size(1)
    seen = (chosen[:, :, None] == torch.arange(depth)).any(dim=1)
    errs = torch.rand(evidence.shape, generator=generator)
    right = torch.where(evidence, errs >= recipe.miss, errs >= recipe.false_alarm)
    wanted = torch.where(evidence, right, ~right & seen)
    return torch.where(wanted, 1, torch.where(seen, -1, 0))
