"""Predictions of a bundle's evaluation, one line ``name, p0, p1, ..., label`` for each case, and their patients."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from monai_das.metrics.measures import Array, Labels

TOLERANCE = 1e-3


class CasePredictions(NamedTuple):
    """Names of N cases, probabilities ``(N, K)`` of K classes, true labels ``(N,)``."""

    names: list[str]
    probabilities: Array
    labels: Labels


def read_predictions(path: str | PathLike[str]) -> CasePredictions:
    """Return what ``bundle/configs/evaluate.json`` wrote to ``path``, one line for each case.

    Raises:
        ValueError: a line is not ``name, p0, p1, ..., label``, its values are not probabilities, the file is empty, or
            it has two lines for a case.
    """
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    try:
        table = np.array([[float(cell) for cell in row[1:]] for row in rows])
        with np.errstate(invalid="ignore"):
            probabilities, labels = table[:, :-1], table[:, -1].astype(np.int64)
        whole = (labels == table[:, -1]) & (labels >= 0) & (labels < probabilities.shape[1])
        if probabilities.shape[1] < 2 or not whole.all():
            raise IndexError("no probabilities, or a label that is no class")
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path}: every line must be name, p0, p1, ..., label, as evaluate.json writes it") from error
    with np.errstate(invalid="ignore"):
        sums = np.abs(probabilities.sum(axis=1) - 1.0) < TOLERANCE
    wrong = np.flatnonzero(~(sums & (probabilities >= 0.0).all(axis=1)))
    if len(wrong):
        got = probabilities[wrong[0]].tolist()
        raise ValueError(f"{path}: probabilities must sum to 1, got {got} for {rows[wrong[0]][0]!r}; apply a softmax")
    names = [row[0] for row in rows]
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"{path}: has several lines for {twice!r}, which would count as several cases; keep one")
    return CasePredictions(names, probabilities, labels)


def joined_predictions(paths: Sequence[Path], each: Sequence[CasePredictions]) -> CasePredictions:
    """Return the cases of several files together, for example of the folds of a cross-validation.

    Raises:
        ValueError: the files have different numbers of classes.
    """
    classes = [part.probabilities.shape[1] for part in each]
    for path, number in zip(paths, classes, strict=True):
        if number != classes[0]:
            raise ValueError(f"{path}: has {number} classes, {paths[0]} has {classes[0]}; evaluate them one by one")
    names = [name for part in each for name in part.names]
    return CasePredictions(
        names, np.concatenate([part.probabilities for part in each]), np.concatenate([part.labels for part in each])
    )


def owner_numbers(names: Sequence[str], owners: Mapping[str, str]) -> list[int]:
    """Return a number for the owner (for example the patient) of each case.

    Raises:
        ValueError: a case has none.

    Example:
        >>> owner_numbers(["b", "a", "c"], {"a": "p1", "b": "p2", "c": "p1"})
        [1, 0, 0]
    """
    missing = [name for name in names if name not in owners]
    if missing:
        raise ValueError(f"no case is called {missing[0]!r} in the datalist; give the one that was evaluated")
    order = {owner: number for number, owner in enumerate(sorted({owners[name] for name in names}))}
    return [order[owners[name]] for name in names]


def group_numbers(names: Sequence[str], pattern: str) -> list[int]:
    """Return a number for the group (for example the patient) of each case: the part that ``pattern`` brackets.

    Raises:
        ValueError: ``pattern`` is not a regular expression with one part in brackets, a name does not match it, or what
            it brackets there is empty; or several names are of one group, of which no bootstrap can be drawn.

    Example:
        >>> group_numbers(["p1_left", "p2_left", "p1_right"], "^(p[0-9]+)_")
        [0, 1, 0]
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    if expression.groups != 1:
        raise ValueError(
            f"{pattern!r} must have one part in brackets, as '^(patient_[0-9]+)_', it has {expression.groups}"
        )
    found = [expression.search(name) for name in names]
    keys = [match[1] if match and match[1] else "" for match in found]
    if "" in keys:
        raise ValueError(f"the name {names[keys.index('')]!r} does not hold {pattern!r}; correct one of them")
    order = {key: number for number, key in enumerate(sorted(set(keys)))}
    if len(order) == 1 and len(keys) > 1:
        raise ValueError(
            f"{pattern!r} finds the group {keys[0]!r} in all {len(keys)} names, and intervals need several groups; "
            "correct it, or leave it out"
        )
    return [order[key] for key in keys]
