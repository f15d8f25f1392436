"""The grid of a sweep: data sets x seeds x budgets x methods, each cell one job with all its settings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from monai_das.samplers.selection import rounded_half_up

# what a training is made of; everything else in a config (paths, handlers, loggers) does not change its result
RECIPE = (
    "dataset_name",
    "slice_dim",
    "size",
    "depth",
    "num_classes",
    "num_slices",
    "epochs",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "warmup_share",
    "ema_share",
    "dropout",
    "flip_prob",
    "translate_range",
    "penalty_weight",
    "widening_epochs",
)
# part of the recipe where a config has them
OPTIONAL = ("target",)
ADDED = ("recipe", "settings", "variants")
NEEDED = ("base", "data", "methods", "budgets", "seeds")


@dataclass(frozen=True)
class SweepJob:
    """One training: its place in the grid, and the whole config that makes it.

    ``budget`` is the share of the slices, None for a method that keeps them all. ``fold`` is None for the official
    split, else the part of the training volumes that is held out. ``inside``: cross-validation within each training
    part of another, for choices where all cases are tested on: part ``fold // folds`` is left away, and of the rest
    part ``fold % folds`` is held out.
    """

    data: str
    method: str
    budget: float | None
    seed: int
    fold: int | None
    folds: int
    config: dict[str, Any] = field(hash=False, compare=False)
    key: str = ""
    inside: bool = False


def read_grid(path: Path) -> dict[str, Any]:
    """Return the grid at ``path``, on top of the one that it names under ``like``, and so on.

    Its ``recipe``, ``settings`` and ``variants`` add to those below, name by name; all else replaces what is below.

    Raises:
        ValueError: the file is no JSON object, or lacks a part.
    """
    try:
        grid: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        while "like" in grid:
            below = path.parent / grid.pop("like")
            base = json.loads(below.read_text(encoding="utf-8"))
            added = {name: {**base.get(name, {}), **grid.get(name, {})} for name in ADDED}
            grid = {**base, **grid, **added}
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: must be a JSON object ({error})") from error
    missing = [name for name in NEEDED if name not in grid]
    if missing:
        raise ValueError(f"{path}: a grid needs {', '.join(NEEDED)}, and {', '.join(missing)} is missing")
    return grid


def grid_jobs(path: Path) -> list[SweepJob]:
    """Return the jobs of the grid at ``path``: seed by seed, so that a sweep that stops early has all rows.

    Configs are ``data/NAME.json`` and ``method/NAME.json`` in the grid's ``configs``, by default ``../../configs``.
    Methods: see :func:`method_of`; those under ``references`` run once whatever the budgets are.

    Raises:
        ValueError: see :func:`read_grid` and :func:`method_of`; or a config is missing.
    """
    grid = read_grid(path)
    jobs: dict[str, SweepJob] = {}
    folds = int(grid.get("folds", 0))
    parts = folds**2 if grid.get("inside", False) else folds
    for data in grid["data"]:
        for seed in grid["seeds"]:
            for fold in range(parts) if folds else [None]:
                for budget in grid["budgets"]:
                    for method in grid["methods"]:
                        job = make_job(path, grid, data, method, (budget, seed, fold))
                        jobs.setdefault(job.key, job)
    return list(jobs.values())


def make_job(
    path: Path, grid: dict[str, Any], data: str, method: str | dict[str, Any], place: tuple[float, int, int | None]
) -> SweepJob:
    """Return the job of one cell."""
    share, seed, fold = place
    variant = method_of(path, grid, method)
    budget = None if variant["method"] in grid.get("references", ()) else share
    folder = path.parent / grid.get("configs", "../../configs")
    # a method replaces the sampler, whatever the data say of it
    files = [path.parent / grid["base"], folder / f"data/{data}.json", folder / f"method/{variant['method']}.json"]
    absent = [file for file in files if not file.is_file()]
    if absent:
        raise ValueError(f"{path}: names {absent[0].stem!r}, but there is no {absent[0]}")
    parser = ConfigParser(ConfigParser.load_config_files(files))
    parser.read_meta(files[0].with_name("metadata.json"))
    settings = {**grid.get("recipe", {}), **grid.get("settings", {}).get(variant["method"], {}), **variant["set"]}
    for name, value in {**settings, "seed": seed}.items():
        parser.set(value, name)
    depth = int(parser.get_parsed_content("depth"))
    parser.set(depth if budget is None else slices_of_share(budget, depth), "num_slices")
    config: dict[str, Any] = parser.get()
    folds = int(grid.get("folds", 0))
    bare = SweepJob(data, variant["name"], budget, seed, fold, folds, config, inside=bool(grid.get("inside", False)))
    return replace(bare, key=key_of(bare))


def method_of(path: Path, grid: dict[str, Any], entry: str | dict[str, Any]) -> dict[str, Any]:
    """Return ``{"name": ..., "method": ..., "set": {...}}`` of an entry under ``methods``.

    An entry is that already, or the name of a method, or ``"METHOD, VARIANT"`` with the settings that the grid has for
    the variant under ``variants``.

    Raises:
        ValueError: the grid has no such variant.
    """
    if isinstance(entry, dict):
        return entry
    method, _, variant = entry.partition(", ")
    variants = grid.get("variants", {})
    if variant and variant not in variants:
        raise ValueError(f"{path}: the method {entry!r} needs {variant!r} under variants, which has {list(variants)}")
    return {"name": entry, "method": method, "set": variants[variant] if variant else {}}


def slices_of_share(share: float, depth: int) -> int:
    """Return k of ``share`` of ``depth`` slices, rounded half up, at least 1."""
    exact = Fraction(share).limit_denominator(10_000)
    return rounded_half_up(exact.numerator * depth, exact.denominator)


def settings_of(job: SweepJob) -> dict[str, Any]:
    """Return all that makes the training of ``job``, as JSON: recipe, network, loss."""
    parser = ConfigParser(json.loads(json.dumps(job.config)))
    names = (*RECIPE, *(name for name in OPTIONAL if name in parser))
    settings = {name: parser.get_parsed_content(name) for name in names}
    return {**settings, "network_def": job.config["network_def"], "loss": job.config["loss"]}


def key_of(job: SweepJob) -> str:
    """Return the name of ``job``: the same settings have the same one, other settings another."""
    place = [job.data, job.method, job.budget, job.seed, job.fold, job.folds, *(["inside"] if job.inside else [])]
    text = json.dumps([*place, settings_of(job)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
