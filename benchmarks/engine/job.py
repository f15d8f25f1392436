"""One job of a sweep: MONAI's own workflow trains the cell, its network is measured once, its line is returned."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from torch import Tensor

from benchmarks.engine.cases import SweepCases, batches, cases_of
from benchmarks.engine.grid import SweepJob, loaded
from benchmarks.engine.results_file import Result, packed, packed_predictions
from benchmarks.sets import real_backgrounds
from monai_das._atomic import atomic_path
from monai_das.metrics import classification_measures
from monai_das.metrics.measures import Array
from monai_das.networks import DASNetwork
from monai_das.samplers import Selection, take_slices

ENGINE = "monai"
SPLITS = {"train": "train_cases", "val": "validation_cases", "test": "test_cases"}


def run_sweep_job(job: SweepJob, root: str | None, weights: Path | None = None) -> Result:
    """Train and measure one job in this process, by one thread; data is found under ``root``.

    With ``weights`` the averaged weights are kept in that folder, as ``KEY.pt``.

    Returns:
        The line of the results file: place in the grid, configs and settings, seconds, measures on the validation and
        test split (with ``fold``: on the held-out part, as ``test``), milliseconds per test case, all test
        predictions, the share of each case's telling slices that was chosen (``recalls``) where these are known, and
        the patient of each case (``groups``) if patients have several; and for planted evidence the backgrounds
        (``sources``).
    """
    torch.set_num_threads(1)
    began, cpu_began = time.perf_counter(), time.process_time()
    workflow = cell_workflow(job, root)
    test = split_of(workflow.parser, "test")
    workflow.run()
    network: DASNetwork = workflow.parser.get_parsed_content("averaged_network")
    if weights is not None:
        with atomic_path(weights / f"{job.key}.pt") as temporary:
            torch.save(network.state_dict(), temporary)
    line: Result = {"job": job.key, "engine": ENGINE, "data": job.data, "method": job.method, "budget": job.budget}
    line |= {"seed": job.seed, "fold": job.fold, "k": job.settings["num_slices"], "settings": job.settings}
    line["configs"] = [os.path.relpath(file, Path(__file__).parents[2]) for file in job.files]
    if job.fold is None:
        line["val"] = rounded(evaluate_cases(network, split_of(workflow.parser, "val"))[0])
    workflow.finalize()
    found, probabilities, recalls = evaluate_cases(network, test)
    line["test"] = rounded(found)
    if recalls is not None:
        line["recalls"] = packed(recalls.astype("<f2"))
    if test.groups is not None:
        line["groups"] = test.patients()
    if job.data == "planted":
        line["sources"] = real_backgrounds(root).sources
    line["seconds"] = round(time.perf_counter() - began, 1)
    line["cpu_seconds"] = round(time.process_time() - cpu_began, 1)
    return line | packed_predictions(probabilities, test.labels.numpy())


def cell_workflow(job: SweepJob, root: str | None, **options: Any) -> ConfigWorkflow:
    """Return MONAI's workflow of ``job``, initialized: what ``python -m monai.bundle run`` makes of its configs."""
    # it warns that configs lie in several folders, which is what a cell is made of
    with at_level("monai.bundle.workflows", logging.ERROR):
        workflow = ConfigWorkflow(
            config_file=[str(file) for file in job.files],
            meta_file=str(job.files[0].with_name("metadata.json")),
            logging_file=False,  # MONAI's way to leave the loggers alone
            workflow_type="train",
            **job.settings,
            **({} if root is None else {"dataset_dir": root}),
            **options,
        )
    workflow.initialize()
    return workflow


@contextmanager
def at_level(name: str, level: int) -> Iterator[None]:
    """Silence the logger ``name`` below ``level`` inside the block."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)


def job_parser(job: SweepJob, root: str | None) -> ConfigParser:
    """Return the parser of the config of ``job``; nothing is built yet."""
    parser = loaded(job.files, json.dumps(job.settings))
    if root is not None:
        parser.set(root, "dataset_dir")
    return parser


def network_of(job: SweepJob, root: str | None) -> DASNetwork:
    """Return the untrained network of ``job`` in ``eval()``."""
    network: DASNetwork = job_parser(job, root).get_parsed_content("network_def")
    return network.eval()


def split_of(parser: ConfigParser, split: str) -> SweepCases:
    """Return the cases of ``"train"``, ``"val"`` or ``"test"``, preprocessed as the config says, not augmented.

    Raises:
        ValueError: the cases do not have the ``depth`` of the config, by which shares become numbers of slices.
    """
    items: Sequence[dict[str, Any]] = parser.get_parsed_content(SPLITS[split])
    preprocess = parser.get_parsed_content("validate#preprocessing")
    cases, depth = cases_of([preprocess(item) for item in items]), int(parser.get_parsed_content("depth"))
    if cases.images.size(4) > depth or (cases.lengths is None and cases.images.size(4) < depth):
        raise ValueError(f"depth must be that of the volumes, {cases.images.size(4)}, got {depth}; correct the config")
    return cases


@torch.no_grad()
def evaluate_cases(network: DASNetwork, cases: SweepCases) -> tuple[dict[str, float], Array, Array | None]:
    """Return the measures of ``network``, in ``eval()``, on ``cases``, its probabilities ``(N, K)``, and its recalls.

    Beside the measures of the predictions: ``ms``, processor time per case, and over the cases that have telling
    slices ``recall``, the mean of the shares ``(N,)`` of them that were chosen (NaN where a case has none), ``met``,
    the share of cases with a telling slice among the chosen ones, and ``precision``, the mean share of the chosen
    slices that are telling.
    """
    tables: list[Tensor] = []
    recalls: list[Tensor] = []
    precisions: list[Tensor] = []
    spent = 0.0
    for part in batches(cases):
        began = time.process_time()
        selection = network.score(network.thumbnails(part.images), part.lengths)
        logits = network.classify(take_slices(part.images, selection), selection)
        spent += time.process_time() - began
        tables.append(torch.softmax(logits.double(), dim=1))
        if part.telling is not None:
            recalls.append(recall(selection, part.telling))
            precisions.append(precision(selection, part.telling))
    probabilities = torch.cat(tables).numpy()
    found = classification_measures(probabilities, cases.labels.numpy())
    found["ms"] = 1000.0 * spent / len(cases.labels)
    if not recalls:
        return found, probabilities, None
    each = torch.cat(recalls).double().numpy()
    has = np.isfinite(each)
    found["recall"] = float(each[has].mean())
    found["met"] = float((each[has] > 0.0).mean())
    found["precision"] = float(torch.cat(precisions).double().numpy()[has].mean())
    return found, probabilities, each


def recall(selection: Selection, telling: Tensor) -> Tensor:
    """Return ``(B,)`` which share of the ``telling`` slices ``(B, D)`` bool is kept, NaN where a case has none."""
    return hits(selection, telling).sum(dim=1) / telling.sum(dim=1)


def precision(selection: Selection, telling: Tensor) -> Tensor:
    """Return ``(B,)`` which share of the kept slices is among the ``telling`` ones ``(B, D)`` bool."""
    return hits(selection, telling).sum(dim=1) / selection.kept.sum(dim=1)


def hits(selection: Selection, telling: Tensor) -> Tensor:
    """Return ``(B, D)`` bool: the ``telling`` slices that are kept."""
    return (selection.weights.sum(dim=1) > 0) & telling


def rounded(found: dict[str, float]) -> dict[str, float]:
    """Return the measures to six digits after the point."""
    return {name: round(value, 6) for name, value in found.items()}
