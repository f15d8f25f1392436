"""``python -m benchmarks brain_flair``: what ``zoo/brain_flair`` finds in patients that its training did not see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.bundle import ConfigParser

from benchmarks.engine.job import precision, recall
from monai_das.datasets import lgg_flair_items, lgg_flair_sets
from monai_das.inference import bundle_contract
from monai_das.metrics import (
    MeasureEstimate,
    best_threshold,
    bootstrap_mean,
    bootstrap_measures,
    estimate_figures,
    estimate_row,
)
from monai_das.metrics.measures import Array, Labels
from monai_das.networks import DASNetwork
from monai_das.samplers import take_slices

CHOICE = {
    "precision": "chosen slices that show tumour",
    "met": "brains in which a chosen slice shows tumour",
    "recall": "tumour slices that are chosen",
}
WHOLE, REST, SET = "brain", "rest", "set"


class Case(NamedTuple):
    """What was found in one brain (``brain``), in one without its tumour slices (``rest``), or in a ``set`` of 12.

    Attributes:
        kind, patient, fold: which case, and which weights.
        label: 1 if a slice of it shows tumour.
        probability: that it holds a tumour.
        choice: precision, met and recall; NaN without a tumour slice.
    """

    kind: str
    patient: str
    fold: int
    label: int
    probability: float
    choice: tuple[float, float, float]


def run_brain_flair(
    root: str | PathLike[str], weights: Sequence[Path], bundle: str | PathLike[str] = "zoo/brain_flair"
) -> str:
    """Return the table of the held-out patients, whose last line is one JSON object.

    Thresholds are never chosen on what they are measured on: that of a fold is the best for the sets of the others, and
    that of single weights is the bundle's. Intervals draw whole patients.

    Args:
        root: folder of the data, with ``lgg_flair`` or the like.
        weights: of each fold of ``configs/train.json`` in their order; or one file, whose training saw none of the
            patients.
        bundle: its folder.

    Raises:
        FileNotFoundError: there are no data, or no such weights.
        ValueError: weights do not fit the bundle.
    """
    torch.set_num_threads(1)
    cases = [case for fold in range(len(weights)) for case in cases_of_fold(root, weights, fold, Path(bundle))]
    known = bundle_contract(bundle).threshold
    thresholds = {fold: threshold_of(cases, fold, known) for fold in range(len(weights))}
    said = [int(case.probability >= thresholds[case.fold]) for case in cases]
    found = choice_estimates(cases) | answer_estimates(cases, said)
    brains, sets = (sum(case.kind == kind for case in cases) for kind in (WHOLE, SET))
    lines = [
        f"{brains} brains, {sets} sets of 12 slices of {len({case.patient for case in cases})} patients",
        *("", "| | | 95 % interval |", "|---|---|---|"),
        *(estimate_row(words, estimate) for words, (_, estimate) in found.items()),
    ]
    figures: dict[str, Any] = {"brains": brains, "sets": sets, "thresholds": list(thresholds.values())}
    for name, estimate in found.values():
        figures |= estimate_figures(name, estimate)
    for place, name in enumerate(CHOICE):
        of_folds = [
            [case.choice[place] for case in cases if (case.kind, case.fold) == (WHOLE, fold)] for fold in thresholds
        ]
        figures[f"{name}_of_folds"] = [round(float(np.nanmean(each)), 4) for each in of_folds]
    return "\n".join([*lines, json.dumps(figures)])


def cases_of_fold(root: str | PathLike[str], weights: Sequence[Path], fold: int, bundle: Path) -> Iterator[Case]:
    """Yield what the weights of ``fold`` find in the patients that it holds out; single weights hold out all."""
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "train.json"))
    parser.read_meta(str(bundle / "configs" / "metadata.json"))
    parser["dataset_dir"], parser["fold"], parser["num_folds"] = str(root), fold, len(weights)
    parser["pretrained"] = parser["remember_features"] = False
    network: DASNetwork = parser.get_parsed_content("network_def")
    try:
        network.load_state_dict(torch.load(weights[fold], map_location="cpu", weights_only=True))
    except RuntimeError as error:
        raise ValueError(f"{weights[fold]}: do not fit the network of {bundle} ({error})") from error
    network.eval()
    preprocess: Callable[[dict[str, Any]], dict[str, Any]] = parser.get_parsed_content("validate#preprocessing")
    seen = parser.get_parsed_content("train_cases") if len(weights) > 1 else []
    patients = {item["patient"] for item in seen}
    sets = lgg_flair_sets(root)
    for brain in lgg_flair_items(root):
        if brain["patient"] not in patients:
            item = preprocess(dict(brain))
            rest = sorted(set(range(brain["depth"])) - set(brain["slices"]))
            parts = [(WHOLE, range(brain["depth"])), *([(REST, rest)] if rest else [])]
            parts += [(SET, each["taken"]) for each in sets if each["patient"] == brain["patient"]]
            for kind, places in parts:
                yield case_of(network, item, list(places), (kind, brain["patient"], fold))


@torch.no_grad()
def case_of(network: DASNetwork, item: Mapping[str, Any], places: list[int], names: tuple[str, str, int]) -> Case:
    """Return what ``network`` finds in the slices at ``places`` of the preprocessed ``item``."""
    image = torch.as_tensor(item["image"])[None, ..., places]
    telling = torch.as_tensor(item["verdicts"])[:, 0, 0, places] > 0.0
    selection = network.score(network.thumbnails(image))
    logits = network.classify(take_slices(image, selection), selection)
    label, probability = int(telling.any()), float(torch.softmax(logits.double(), dim=1)[0, 1])
    nothing = float("nan")
    if not label:
        return Case(*names, label, probability, (nothing, nothing, nothing))
    share, found = float(precision(selection, telling)), float(recall(selection, telling))
    return Case(*names, label, probability, (share, float(found > 0.0), found))


def held_out_sets(
    root: str | PathLike[str], weights: Sequence[Path], bundle: str | PathLike[str] = "zoo/brain_flair"
) -> tuple[Array, Labels]:
    """Return probabilities ``(N, 2)`` and labels ``(N,)`` of the sets of all patients, each by weights of its fold."""
    cases = [case for fold in range(len(weights)) for case in cases_of_fold(root, weights, fold, Path(bundle))]
    return probabilities_of([case for case in cases if case.kind == SET])


def threshold_of(cases: Sequence[Case], fold: int, known: float | None) -> float:
    """Return the best threshold for the sets of the other folds; ``known`` if there are none."""
    table, labels = probabilities_of([case for case in cases if case.kind == SET and case.fold != fold])
    found = best_threshold(table, labels)
    return found or known or 0.5


def choice_estimates(cases: Sequence[Case]) -> dict[str, tuple[str, MeasureEstimate]]:
    """Return name and estimate of each measure of the choice in whole brains, by words."""
    inside = [case for case in cases if case.kind == WHOLE]
    values, labels = np.array([case.choice for case in inside]), np.array([case.label for case in inside])
    return {
        words: (name, bootstrap_mean(values[:, place], labels, numbers_of(inside)))
        for place, (name, words) in enumerate(CHOICE.items())
    }


def answer_estimates(cases: Sequence[Case], said: Sequence[int]) -> dict[str, tuple[str, MeasureEstimate]]:
    """Return the same of the answers ``said``."""
    found = {}
    kinds = {"set": (SET,), "brain": (WHOLE, REST)}
    words = {"set": "sets of 12 slices", "brain": "brains, against their slices without tumour"}
    for name, inside in kinds.items():
        places = [place for place, case in enumerate(cases) if case.kind in inside]
        chosen, answered = [cases[place] for place in places], np.array([said[place] for place in places])
        table, labels = probabilities_of(chosen)
        groups = numbers_of(chosen)
        ranked = bootstrap_measures(table, labels, groups)["auc"]
        decided = bootstrap_measures(np.eye(2)[answered], labels, groups)["balanced_accuracy"]
        found[f"AUC, {words[name]}"] = (f"{name}_auc", ranked)
        found[f"balanced accuracy, {words[name]}"] = (f"{name}_balanced_accuracy", decided)
        for label, word in enumerate(("specificity", "sensitivity")):
            share = bootstrap_mean(np.where(labels == label, answered == label, np.nan), labels, groups)
            found[f"{word}, {words[name]}"] = (f"{name}_{word}", share)
    return found


def probabilities_of(cases: Sequence[Case]) -> tuple[Array, Labels]:
    """Return probabilities ``(N, 2)`` and labels ``(N,)`` of ``cases``."""
    second = np.array([case.probability for case in cases]).reshape(-1)
    return np.stack((1.0 - second, second), axis=1), np.array([case.label for case in cases], dtype=np.int64)


def numbers_of(cases: Sequence[Case]) -> list[int]:
    """Return the number of the patient of each of ``cases``."""
    order = {patient: number for number, patient in enumerate(sorted({case.patient for case in cases}))}
    return [order[case.patient] for case in cases]
