"""How far a model agrees with the readers of the same cases, on classes and on slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from monai_das.metrics import MeasureEstimate, answers, bootstrap_mean, estimate_figures, estimate_row, slice_agreement
from monai_das.metrics.measures import Array, Labels
from monai_das.review.agreement import ReaderAgreement, cohen_kappa
from monai_das.review.answers import verdict_agreement
from monai_das.review.verdicts import ReaderVerdict
from monai_das.transforms import verdict_vector


@dataclass(frozen=True)
class ModelAgreement:
    """Agreement over the reviewed cases; a case that several readers saw counts once, by their mean.

    Attributes:
        cases: how many of the predicted cases were reviewed.
        readers: how many readers there are.
        same_class: share of the readers' classes that are the model's; verdicts without a class do not count.
        kappa: Cohen's kappa of the model and the readers over all verdicts with a class, None where there is none.
        chosen: share of the readers' slices (confirmed or added) that the model had chosen.
        between: agreement of the readers with one another.
    """

    cases: int
    readers: int
    same_class: MeasureEstimate
    kappa: float | None
    chosen: MeasureEstimate
    between: ReaderAgreement

    def table(self) -> str:
        """Return a sentence and a Markdown table for people."""
        lines = [f"{self.cases} of the cases were reviewed, by {self.readers} readers\n"]
        lines += ["| agreement | value | 95 % interval |", "|---|---|---|"]
        lines.append(estimate_row("readers' classes that are the model's", self.same_class))
        lines.append(estimate_row("readers' slices that were chosen", self.chosen))
        if self.kappa is not None:
            lines.append(f"| kappa of model and readers, class | {self.kappa:.3f} | - |")
        kappas = {"class": self.between.class_kappa, "slices": self.between.slice_kappa}
        lines += [estimate_row(f"kappa of reader and reader, {each}", kappa) for each, kappa in kappas.items() if kappa]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        figures: dict[str, Any] = {"cases": self.cases, "readers": self.readers}
        figures |= estimate_figures("same_class", self.same_class) | estimate_figures("chosen", self.chosen)
        return {**figures, "kappa": self.kappa, "between_readers": self.between.to_dict()}


def model_agreement(
    verdicts: Sequence[ReaderVerdict],
    names: Sequence[str],
    probabilities: Array,
    groups: Sequence[int] | None = None,
    threshold: float | None = None,
) -> ModelAgreement:
    """Compare predictions with the verdicts of readers; verdicts of other cases do not count.

    Args:
        verdicts: what ``monai-das review pull`` or an HTML report saved; ``case_id`` is the name of a case.
        names: of the N predicted cases.
        probabilities: ``(N, K)``.
        groups: number of the patient of each case; the bootstrap draws whole patients.
        threshold: at which the model answers, see :func:`~monai_das.metrics.answers`.

    Raises:
        ValueError: no verdict is about one of the cases, a reviewed case was predicted twice, or a reader gave a class
            that the model does not have.
    """
    places = {name: place for place, name in enumerate(names)}
    about = [verdict for verdict in verdicts if verdict.case_id in places]
    _check(verdicts, about, names, probabilities.shape[1])
    predicted = answers(probabilities, threshold)
    said = [verdict for verdict in about if verdict.label is not None]
    pairs = [(str(predicted[places[each.case_id]]), str(each.label)) for each in said]
    same = _by_case(about, [float(one == other) for one, other in pairs], said)
    reviewed = list(same)
    chosen = _by_case(about, [_recall(each) for each in about], about)
    drawn = [places[case] for case in reviewed]
    whose = None if groups is None else [groups[place] for place in drawn]
    # readers' cases are drawn from all of them, whatever their class
    alike: Labels = np.zeros(len(reviewed), np.int64)
    return ModelAgreement(
        len(reviewed),
        len({verdict.reviewer for verdict in about}),
        bootstrap_mean(np.array(list(same.values())), alike, whose),
        round(cohen_kappa(*zip(*pairs, strict=True)), 4) if pairs else None,
        bootstrap_mean(np.array(list(chosen.values())), alike, whose),
        verdict_agreement(about),
    )


def _check(
    verdicts: Sequence[ReaderVerdict], about: Sequence[ReaderVerdict], names: Sequence[str], classes: int
) -> None:
    if not about:
        read = verdicts[0].case_id if verdicts else "nothing"
        raise ValueError(f"no reviewed case is among the predictions; readers saw {read!r}, predicted was {names[0]!r}")
    counts = Counter(names)
    for verdict in about:
        if counts[verdict.case_id] > 1:
            raise ValueError(f"the reviewed case {verdict.case_id!r} is predicted {counts[verdict.case_id]} times; give"
                             " files with different cases")  # fmt: skip
        if verdict.label is not None and verdict.label >= classes:
            raise ValueError(
                f"{verdict.case_id!r}: a reader gave class {verdict.label}, the model has 0 to {classes - 1}"
            )


def _by_case(about: Sequence[ReaderVerdict], values: Sequence[float], of: Sequence[ReaderVerdict]) -> dict[str, float]:
    """Return the mean of the ``values`` of the verdicts ``of`` each case in ``about``; NaN where there is none."""
    found: dict[str, list[float]] = {verdict.case_id: [] for verdict in about}
    for verdict, value in zip(of, values, strict=True):
        if not np.isnan(value):
            found[verdict.case_id].append(value)
    return {case: float(np.mean(each)) if each else float("nan") for case, each in found.items()}


def _recall(verdict: ReaderVerdict) -> float:
    """Return the share of the reader's slices that the model had chosen; NaN where the reader named none."""
    entry = verdict.to_dict()
    depth = 1 + max((*verdict.slices_confirmed, *verdict.slices_added, *verdict.slices_rejected), default=0)
    chosen = torch.tensor([[*verdict.slices_confirmed, -1]])
    return float(slice_agreement(chosen, verdict_vector(entry, depth)[None]).recall)
