"""A training in a study: one cell outside any grid, trained by the engine of the sweeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow

from benchmarks.engine.grid import SweepJob
from benchmarks.engine.job import cell_workflow
from benchmarks.sets import DASEvidenceSet
from monai_das.networks import DASNetwork

ROOT = Path(__file__).parents[2]
BASE = ROOT / "bundle" / "configs" / "train.json"
CELL = Path(__file__).parent / "cell.json"


def study_cell(data: str, method: str, settings: Mapping[str, Any], *overlays: Path) -> SweepJob:
    """Return the job of ``train.json``, a data set, a method, ``overlays`` and ``settings``, each on top of the others.

    Args:
        data: name of a config in ``configs/data``.
        method: name of a config in ``configs/method``.
        settings: values by their id. A value may be an object that no file can hold, such as a tuple of cases: the
            workflow takes it as it is.
        overlays: further configs.
    """
    configs = ROOT / "configs"
    files = (BASE, configs / f"data/{data}.json", configs / f"method/{method}.json", *overlays, CELL)
    seed = int(settings.get("seed", 0))
    return SweepJob(data, method, None, seed, None, folds=0, inside=False, files=files, settings=dict(settings))


def trained(
    job: SweepJob, root: str | None = None, prepare: Callable[[ConfigWorkflow], None] | None = None
) -> DASNetwork:
    """Train ``job`` and return its network with averaged weights, in ``eval()``.

    Args:
        job: what to train.
        root: folder of the data.
        prepare: called with the workflow before it runs, to load weights or to attach handlers.
    """
    workflow = cell_workflow(job, root)
    if prepare is not None:
        prepare(workflow)
    workflow.run()
    network: DASNetwork = workflow.parser.get_parsed_content("averaged_network")
    workflow.finalize()
    return network


def evidence_settings(cases: DASEvidenceSet) -> dict[str, Any]:
    """Return settings for ``configs/data/needle.json`` that train on ``cases``, shown as they are, with their labels.

    The recipe is that of ``grids/evidence.json``, without its flips and shifts.
    """
    items = tuple(
        {"image": image, "label": label} for image, label in zip(cases.images, cases.labels.tolist(), strict=True)
    )
    return {
        "size": cases.images.size(2),
        "train_cases": items,
        "validation_cases": items[:1],
        "batch_size": min(16, len(items)),
        "weight_decay": 0.01,
        "warmup_share": 0.1,
        "dropout": 0.0,
        "flip_prob": 0.0,
        "translate_range": 0,
    }
