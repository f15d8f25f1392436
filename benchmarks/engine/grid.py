"""The grid of a sweep: data sets x seeds x budgets x methods, each cell one job: a list of configs, and settings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from benchmarks.engine.resolved import digest, nearest, unknown_argument
from monai_das.samplers.selection import rounded_half_up

ADDED = ("recipe", "settings", "variants")
NEEDED = ("base", "data", "methods", "budgets", "seeds")
OTHER = ("configs", "folds", "inside", "references")
# what the place of a cell in the grid decides, not a setting
PLACED = ("seed", "num_slices", "fold", "num_folds", "inside")
HERE = Path(__file__).parent
DataEntry = str | Mapping[str, Any]


@dataclass(frozen=True)
class SweepJob:
    """One training: its place in the grid, and the configs and settings that make it.

    Attributes:
        data, method: names of the data set and of the method with its variant.
        budget: the share of the slices, None for a method that keeps them all.
        seed: of the training.
        fold: None for the official split, else the part of the training cases that is held out.
        folds: how many parts there are.
        inside: see :func:`benchmarks.engine.folds.fold_parts`.
        files: configs, each on top of those before it; the first is ``bundle/configs/train.json``.
        settings: values that are set on top of the files, by id; ``python -m monai.bundle run`` takes them as options.
        key: digest of everything that the training reads from the config.
    """

    data: str
    method: str
    budget: float | None
    seed: int
    fold: int | None
    folds: int
    inside: bool
    files: tuple[Path, ...] = field(hash=False, compare=False)
    settings: dict[str, Any] = field(hash=False, compare=False)
    key: str = ""


def read_grid(path: Path) -> dict[str, Any]:
    """Return the grid at ``path``, on top of the one that it names under ``like``, and so on.

    Its ``recipe``, ``settings`` and ``variants`` add to those of the named grid, name by name; all else replaces them.

    Raises:
        ValueError: the file is no JSON object, lacks a part, or has one that nothing reads.
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
    known = (*NEEDED, *ADDED, *OTHER)
    unread = [name for name in grid if name not in known]
    if unread:
        raise ValueError(f"{path}: nothing reads {', '.join(map(repr, unread))} of a grid; it has {', '.join(known)}")
    return grid


def grid_jobs(path: Path, data: Sequence[DataEntry] = ()) -> list[SweepJob]:
    """Return the jobs of the grid at ``path``: seed by seed, so that a sweep that stops early has all rows.

    Configs are ``data/NAME.json`` and ``method/NAME.json`` in the grid's ``configs``, by default ``../../configs``.
    Methods: see :func:`method_of`; those under ``references`` run once whatever the budgets are. ``data`` replaces the
    data sets of the grid; an entry is the name of a config, or ``{"name": ..., "data": config, "set": settings}``.

    Raises:
        ValueError: see :func:`read_grid`, :func:`method_of` and :func:`checked`; a config is missing; or two cells with
            different names are one training.
    """
    grid = read_grid(path)
    jobs: dict[str, SweepJob] = {}
    folds = int(grid.get("folds", 0))
    parts = folds**2 if grid.get("inside", False) else folds
    for entry in data or grid["data"]:
        for seed in grid["seeds"]:
            for fold in range(parts) if folds else [None]:
                for budget in grid["budgets"]:
                    for method in grid["methods"]:
                        job = make_job(path, grid, entry, method, (budget, seed, fold))
                        same = jobs.setdefault(job.key, job)
                        if same != job:
                            raise ValueError(f"{path}: {cell_name(same)} and {cell_name(job)} are the same training")
    return list(jobs.values())


def cell_name(job: SweepJob) -> str:
    """Return the place of ``job`` in a grid, for people."""
    return f"{job.data}, {job.method!r}, {'all slices' if job.budget is None else f'budget {job.budget}'}"


def make_job(
    path: Path,
    grid: dict[str, Any],
    entry: DataEntry,
    method: str | dict[str, Any],
    place: tuple[float, int, int | None],
) -> SweepJob:
    """Return the job of one cell."""
    share, seed, fold = place
    data: Mapping[str, Any] = {"name": entry, "data": entry, "set": {}} if isinstance(entry, str) else entry
    variant = method_of(path, grid, method)
    budget = None if variant["method"] in grid.get("references", ()) else share
    folder = path.parent / grid.get("configs", "../../configs")
    # a method replaces the sampler, whatever the data say of it
    files = [path.parent / grid["base"], folder / f"data/{data['data']}.json"]
    files += [HERE / "folds.json"] if fold is not None else []
    files += [folder / f"method/{variant['method']}.json", HERE / "cell.json"]
    absent = [file for file in files if not file.is_file()]
    if absent:
        raise ValueError(f"{path}: names {absent[0].stem!r}, but there is no {absent[0]}")
    whole = tuple(file.resolve() for file in files)
    asked = {**grid.get("recipe", {}), **grid.get("settings", {}).get(variant["method"], {}), **variant["set"]}
    depth = depth_of(whole, json.dumps({**asked, **data["set"]}, sort_keys=True))
    inside, folds = bool(grid.get("inside", False)), int(grid.get("folds", 0))
    placed: dict[str, Any] = {
        "seed": seed,
        "num_slices": depth if budget is None else slices_of_share(budget, depth),
    }
    if fold is not None:
        placed |= {"fold": fold, "num_folds": folds, "inside": inside}
    checked(path, whole, asked)
    settings = {**asked, **data["set"], **placed}
    names = (data["name"], variant["name"])
    return SweepJob(*names, budget, seed, fold, folds, inside, whole, settings, key_of(whole, settings))


def checked(path: Path, files: tuple[Path, ...], asked: Mapping[str, Any]) -> None:
    """Check that each setting that the grid at ``path`` has ``asked`` of ``files`` changes the training.

    Raises:
        ValueError: a setting changes nothing: it is misspelt, nothing reads it, or the config says so already; the
            grid decides it otherwise; or a component takes no such argument.
    """
    placed = [name for name in asked if name in PLACED]
    if placed:
        raise ValueError(f"{path}: the setting {placed[0]!r} changes nothing: budgets, seeds and folds decide it")
    fault = _fault(files, json.dumps(asked, sort_keys=True))
    if fault:
        raise ValueError(f"{path}: {fault}")


@lru_cache(maxsize=10_000)
def _fault(files: tuple[Path, ...], settings: str) -> str:
    """Return what is wrong with ``settings``, a JSON object, on top of ``files``; else an empty text."""
    asked: dict[str, Any] = json.loads(settings)
    key, config = key_of(files, asked), loaded(files, settings).get()
    for name, value in asked.items():
        unknown = unknown_argument(name, config)
        if unknown:
            return f"the setting {name!r}: {unknown}"
        if key_of(files, {each: other for each, other in asked.items() if each != name}) == key:
            close = nearest(name, loaded(files).get())
            hint = f"; is {close!r} meant?" if close and close != name else ""
            return (
                f"the setting {name!r} changes nothing of the training: nothing reads it, or the configs say "
                f"{value!r} already{hint}"
            )
    return ""


@lru_cache(maxsize=10_000)
def depth_of(files: tuple[Path, ...], settings: str) -> int:
    """Return D of the cases of ``files`` with ``settings``, a JSON object."""
    return int(loaded(files, settings).get_parsed_content("depth"))


def key_of(files: tuple[Path, ...], settings: Mapping[str, Any]) -> str:
    """Return the digest of the config of ``files`` with ``settings``."""
    return _key(files, json.dumps(settings, sort_keys=True))


@lru_cache(maxsize=100_000)
def _key(files: tuple[Path, ...], settings: str) -> str:
    return digest(loaded(files, settings).get())


def loaded(files: tuple[Path, ...], settings: str = "{}") -> ConfigParser:
    """Return the parser of ``files``, each on top of those before it, with ``settings``, a JSON object, on top."""
    parser = ConfigParser(json.loads(_merged(files)))
    parser.read_meta(str(files[0].with_name("metadata.json")))
    for name, value in json.loads(settings).items():
        parser.set(value, name)
    return parser


@lru_cache(maxsize=1000)
def _merged(files: tuple[Path, ...]) -> str:
    return json.dumps(ConfigParser.load_config_files([str(file) for file in files]))


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
