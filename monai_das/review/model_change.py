"""What fine-tuning changed: two models on the same held-out, reviewed cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from monai_das.datasets import is_held_out
from monai_das.inference import Predictor
from monai_das.metrics import (
    MeasureEstimate,
    case_weights,
    estimate_figures,
    interval_of,
    slice_agreement,
    weighted_auc,
    weighted_mean,
)
from monai_das.metrics.bootstrap import DRAWS
from monai_das.metrics.evaluation import shown
from monai_das.metrics.measures import Array, Labels, weighted_accuracy
from monai_das.review.verdicts import ReaderVerdict
from monai_das.transforms import verdict_vector

WORDS = {"auc": "AUC", "accuracy": "accuracy", "chosen": "readers' slices that are chosen"}


@dataclass(frozen=True)
class ModelChange:
    """Measures of two models on the same verdicts, by the names in ``WORDS``.

    Attributes:
        verdicts: how many held-out verdicts with a class there are.
        patients: of how many patients.
        before: measures of the old model, NaN where the verdicts do not determine one.
        after: of the new one.
        difference: new minus old, with 95 % intervals of bootstrap samples of patients, the same for both models.
    """

    verdicts: int
    patients: int
    before: dict[str, float]
    after: dict[str, float]
    difference: dict[str, MeasureEstimate]

    @property
    def judged_by(self) -> str:
        """The measure that decides: AUC, or accuracy where all held-out cases are of one class."""
        return "auc" if np.isfinite(self.difference["auc"].value) else "accuracy"

    @property
    def worse(self) -> bool:
        """Whether the new model is worse: by the measure that decides, or clearly (the interval) by another."""
        clearly = any(each.high < 0.0 for each in self.difference.values())
        return bool(self.difference[self.judged_by].value < 0.0 or clearly)

    def sentence(self) -> str:
        """Return in plain words what became of the model."""
        name = self.judged_by
        found = self.difference[name]
        clear = found.high < 0.0 or found.low > 0.0
        sure = "" if clear else "; the interval holds 0, so this may be chance"
        words = "WORSE" if self.worse else "better" if found.value > 0.0 else "no worse"
        also = [WORDS[each] for each, value in self.difference.items() if each != name and value.high < 0.0]
        fell = f"; {' and '.join(also)} fell" if also else ""
        return f"the new model is {words} by {WORDS[name]} ({found.value:+.3f}{sure}){fell}"

    def table(self) -> str:
        """Return how many there are, and a Markdown table for people."""
        lines = [f"{self.verdicts} held-out verdicts on cases of {self.patients} patients", ""]
        lines += ["| measure | before | after | difference | 95 % interval |", "|---|---|---|---|---|"]
        for name, words in WORDS.items():
            value, low, high = self.difference[name]
            interval = "-" if np.isnan(low) else f"{low:+.3f} to {high:+.3f}"
            lines.append(
                f"| {words} | {shown(self.before[name])} | {shown(self.after[name])} | {shown(value)} | {interval} |"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures to four digits, as JSON can hold them."""
        figures: dict[str, Any] = {"verdicts": self.verdicts, "patients": self.patients, "worse": self.worse}
        for name in WORDS:
            for when, values in (("before", self.before), ("after", self.after)):
                figures[f"{name}_{when}"] = None if np.isnan(values[name]) else round(values[name], 4)
            figures |= estimate_figures(f"{name}_difference", self.difference[name])
        return {**figures, "judged_by": self.judged_by, "sentence": self.sentence()}


def held_out_verdicts(verdicts: Sequence[ReaderVerdict], every: int, seed: int) -> list[ReaderVerdict]:
    """Return the verdicts with a class on patients who are held out, see :func:`~monai_das.datasets.is_held_out`."""
    return [
        each for each in verdicts if each.label is not None and is_held_out(each.group or each.case_id, every, seed)
    ]


def model_change(before: Predictor, after: Predictor, verdicts: Sequence[ReaderVerdict]) -> ModelChange:
    """Compare two models on ``verdicts``, which have a class and the path of their case each; a case is predicted once.

    The readers' classes are the truth. ``chosen`` is the share of the slices that a reader confirmed or added which a
    model selects itself. Of several readers on a case each counts.

    Raises:
        ValueError: there is no verdict, or one has no class or no path.
    """
    if not verdicts or any(each.label is None or each.image is None for each in verdicts):
        raise ValueError("verdicts must have a class and the path of their case, at least one; pull with --map")
    labels: Labels = np.array([each.label for each in verdicts], np.int64)
    _, owners = np.unique([each.group or each.case_id for each in verdicts], return_inverse=True)
    weights = case_weights(labels, DRAWS, groups=owners.tolist())
    if owners.max() == 0:
        weights[:] = np.nan  # one patient says nothing of others
    measures = [_measures(each, verdicts, labels) for each in (before, after)]
    once = np.ones((1, len(labels)))
    plain = [{name: float(measure(once)[0]) for name, measure in each.items()} for each in measures]
    difference = {}
    for name in WORDS:
        samples = measures[1][name](weights) - measures[0][name](weights)
        difference[name] = MeasureEstimate(plain[1][name] - plain[0][name], *interval_of(samples))
    return ModelChange(len(labels), int(owners.max()) + 1, plain[0], plain[1], difference)


def _measures(
    predictor: Predictor, verdicts: Sequence[ReaderVerdict], labels: Labels
) -> dict[str, Callable[[Array], Array]]:
    """Return each measure of a model as a function of the weights ``(R, N)`` of the verdicts."""
    results = {image: predictor.predict(image) for image in {str(each.image) for each in verdicts}}
    own = [results[str(each.image)] for each in verdicts]
    probabilities = np.array([list(result.probabilities.values()) for result in own])
    threshold = predictor.model.contract.threshold
    chosen: Array = np.array(
        [
            float(slice_agreement(
                torch.tensor([[each.index for each in result.selected]]),
                verdict_vector(verdict.to_dict(), result.total_slices)[None],
            ).recall)
            for verdict, result in zip(verdicts, own, strict=True)
        ]
    )  # fmt: skip
    return {
        "auc": lambda weights: weighted_auc(probabilities, labels, weights),
        "accuracy": lambda weights: weighted_accuracy(probabilities, labels, weights, threshold),
        "chosen": lambda weights: weighted_mean(chosen, weights),
    }
