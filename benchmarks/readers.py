"""Does a model learn from readers? A simulated reader, on sets whose truth is known slice by slice."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.evidence import Measured, arm, measure, train_arm
from benchmarks.needle import NeedleRecipe, gated_sampler
from benchmarks.readers_clips import clip_sets
from benchmarks.sets import DASEvidenceSet, needle_set, planted_set, real_backgrounds
from monai_das.losses import DASReaderLoss
from monai_das.networks import DASSliceClassifier
from monai_das.samplers import sampler_param_groups

REQUIRED = ("needle", "planted")
LONGER = "needle_longer"
CLIPS = "covid_blues"
ARMS = ("before", "after", "labels only")


@dataclass(frozen=True)
class ReadersRecipe:
    """One experiment: a base model trained too shortly, a share of its cases reviewed, and fine-tuning.

    Fine-tuning shows all cases with their classes again, and the verdicts of those that were reviewed.

    Attributes:
        cases, test_cases: for training the base model, and held out; of clips at most so many.
        epochs: of the base model; its budget shrinks from 0.5 to 0.8 of them.
        reviewed: share of the training cases that readers see.
        miss: how often a reader overlooks evidence that the model did not choose, or rejects what it did choose.
        false_alarm: how often a reader confirms a chosen slice that bears none.
        tune_epochs, tune_rate: of fine-tuning, by AdamW at a rate that falls to 0, batches of 16.
        verdict_weight: of the readers' term in fine-tuning.
        detach_choice: verdicts alone move the choice in fine-tuning (not in the arm "labels only").
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


def readers_job(job: Mapping[str, Any], root: str | None = None) -> dict[str, Any]:
    """Run the experiment of ``job``: its ``task``, ``seed`` and the fields of :class:`ReadersRecipe`.

    ``root`` is the folder of the real backgrounds and of COVID-BLUES.

    Returns:
        Per case of the test: ``label``; ``verdicts``, the slices that the simulated reader wants; and for each of
        ``before``, ``after`` and ``labels only`` (the same fine-tuning without verdicts) ``p``, the probability of
        class 1, and ``chosen``. All are lists, rounded to five digits.
    """
    recipe = ReadersRecipe(**{name: job[name] for name in asdict(ReadersRecipe())})
    torch.set_num_threads(1)
    seed = int(job["seed"])
    torch.manual_seed(seed)
    cases, test = task_sets(str(job["task"]), recipe, seed, root)
    network = arm(gated_sampler(recipe.num_slices), cases.images.size(2))
    size, epochs = min(16, len(cases.labels)), recipe.epochs
    base = NeedleRecipe(epochs=epochs, hold=0.5 * epochs, end=0.8 * epochs, batch_size=size)
    train_arm(network, cases, base)
    generator = torch.Generator().manual_seed(seed)
    verdicts = torch.zeros(cases.evidence.shape, dtype=torch.int64)
    number = round(recipe.reviewed * len(cases.labels))
    chosen = measure(network, cases.images[:number]).chosen
    verdicts[:number] = simulated_verdicts(cases.evidence[:number], chosen, recipe, generator)
    told, untold = copy.deepcopy(network), copy.deepcopy(network)
    told.detach_choice = recipe.detach_choice
    fine_tune(told, cases, verdicts, recipe)
    fine_tune(untold, cases, torch.zeros_like(verdicts), recipe)
    nothing = torch.full_like(measure(network, test.images).chosen, -1)
    wanted = simulated_verdicts(test.evidence, nothing, recipe, generator)
    outcomes = {name: measure(each, test.images) for name, each in zip(ARMS, (network, told, untold), strict=True)}
    return {
        "label": test.labels.tolist(),
        "evidence": [torch.nonzero(row).flatten().tolist() for row in test.evidence],
        "verdicts": [torch.nonzero(row > 0).flatten().tolist() for row in wanted],
        **{name: as_lists(each) for name, each in outcomes.items()},
    }


def as_lists(measured: Measured) -> dict[str, Any]:
    """Return what was measured in the form of JSON."""
    return {"p": [round(value, 5) for value in measured.probabilities.tolist()], "chosen": measured.chosen.tolist()}


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


def fine_tune(network: DASSliceClassifier, cases: DASEvidenceSet, verdicts: Tensor, recipe: ReadersRecipe) -> None:
    """Train ``network`` further by the loss of ``configs/review.json``; the budget stays k."""
    optimizer = torch.optim.AdamW(sampler_param_groups(network, recipe.tune_rate), weight_decay=0.01)
    steps = recipe.tune_epochs * -(-len(cases.labels) // 16)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    loss = DASReaderLoss(network, verdict_weight=recipe.verdict_weight)
    network.train()
    network.sampler.widening = 0.0
    for _ in range(recipe.tune_epochs):
        for batch in torch.split(torch.randperm(len(cases.labels)), 16):
            optimizer.zero_grad()
            target = {"label": cases.labels[batch], "verdicts": verdicts[batch]}
            torch.autograd.backward(loss(network(cases.images[batch]), target))
            optimizer.step()
            schedule.step()
