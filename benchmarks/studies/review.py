"""``python -m benchmarks review``: what fine-tuning on readers' answers changed, on the cases that were held out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from monai_das.datasets import reviewed_datalist
from monai_das.inference import CaseResult, Predictor
from monai_das.metrics import auc, slice_agreement
from monai_das.transforms import verdict_vector

ROWS = ("auc", "accuracy", "recall", "precision", "rejected")
WORDS = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "recall": "readers' slices that are chosen",
    "precision": "chosen slices that are the readers'",
    "rejected": "rejected slices chosen all the same",
}


def run_review_change(
    datalist: str | PathLike[str],
    bundle: str | PathLike[str],
    weights: str | PathLike[str],
    every: int = 5,
) -> str:
    """Return a table of the held-out cases before and after; its last line is the same as one JSON object.

    Args:
        datalist: what ``monai-das review pull`` wrote; its held-out part is that of ``configs/review.json``.
        bundle: folder of the bundle, with the weights from before.
        weights: those that ``configs/review.json`` trained.
        every: one in so many groups of cases is held out.

    Raises:
        FileNotFoundError: one of them does not exist.
        ValueError: the datalist is none, or the weights do not fit the bundle.
    """
    cases = reviewed_datalist(datalist, "held_out", every)
    predictor = Predictor(bundle, accept_any_input=True)  # readers have judged these cases
    before = figures(predictor, cases)
    try:
        predictor.model.network.load_state_dict(torch.load(Path(weights), map_location="cpu", weights_only=True))
    except RuntimeError as error:
        raise ValueError(f"{weights}: do not fit the network of {bundle} ({error})") from error
    after = figures(predictor, cases)
    lines = [f"| {len(cases)} held-out cases | before | after |", "|---|---|---|"]
    lines += [f"| {WORDS[name]} | {shown(before[name])} | {shown(after[name])} |" for name in ROWS]
    return "\n".join([*lines, json.dumps({"cases": len(cases), "before": before, "after": after})])


def figures(predictor: Predictor, cases: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return the figures of ``ROWS`` for the labelled, reviewed ``cases``; None where they say nothing about one."""
    results = [predictor.predict(case["image"]) for case in cases]
    labels = np.array([int(case["label"]) for case in cases])
    probabilities = np.array([list(result.probabilities.values()) for result in results])
    agreements = torch.stack([agreement(result, case) for result, case in zip(results, cases, strict=True)])
    means = torch.nanmean(agreements, dim=0).tolist()
    values = {
        "auc": auc(probabilities, labels),
        "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        **dict(zip(ROWS[2:], means, strict=True)),
    }
    return {name: None if value != value else round(value, 4) for name, value in values.items()}


def agreement(result: CaseResult, case: Mapping[str, Any]) -> Tensor:
    """Return recall, precision and share of rejected slices of one case, ``(3,)``, NaN where nothing was said."""
    chosen = torch.tensor([[each.index for each in result.selected]])
    return torch.cat(slice_agreement(chosen, verdict_vector(case, result.total_slices)[None]))


def shown(value: float | None) -> str:
    """Return a figure for people."""
    return "-" if value is None else f"{value:.3f}"
