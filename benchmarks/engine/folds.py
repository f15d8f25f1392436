"""Parts of a set for cross-validation: the same for every seed and method, no patient in two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai_das.datasets import split_by_patient

Items = list[dict[str, Any]]


def fold_parts(items: Sequence[dict[str, Any]], fold: int, num_folds: int, inside: bool = False) -> tuple[Items, Items]:
    """Return the ``items`` to train on, and the held-out ones, of one of ``num_folds`` parts.

    Items with a ``patient`` are dealt out by patient, as :func:`monai_das.datasets.covid_blues_datalist` does. Other
    items are dealt out so that each class is spread evenly.

    Args:
        items: datalist with a ``label`` in each.
        fold: number of the part, from 0.
        num_folds: how many parts, at least 2.
        inside: cross-validation within each training part of an outer one, for choices in sets where every case is
            tested on. Part ``fold // num_folds`` is left out, and part ``fold % num_folds`` of the rest is held out.

    Raises:
        ValueError: ``num_folds`` or ``fold`` is out of range.
    """
    parts = num_folds**2 if inside else num_folds
    if num_folds < 2 or not 0 <= fold < parts:
        raise ValueError(f"num_folds must be at least 2 and fold in 0 to {parts - 1}, got {num_folds=} and {fold=}")
    if inside:
        kept, _ = fold_parts(items, fold // num_folds, num_folds)
        return fold_parts(kept, fold % num_folds, num_folds)
    numbers = part_numbers(items, num_folds)
    training = [item for item, number in zip(items, numbers, strict=True) if number != fold]
    return training, [item for item, number in zip(items, numbers, strict=True) if number == fold]


def part_numbers(items: Sequence[dict[str, Any]], num_folds: int) -> list[int]:
    """Return which part each of ``items`` belongs to."""
    numbers = [0] * len(items)
    if "patient" in items[0]:
        placed = [{**item, "place": place} for place, item in enumerate(items)]
        dealt = split_by_patient(placed, {str(number): 1.0 for number in range(num_folds)})
        for number, part in dealt.items():
            for item in part:
                numbers[item["place"]] = int(number)
        return numbers
    order = sorted(range(len(items)), key=lambda place: int(items[place]["label"]))
    for rank, place in enumerate(order):
        numbers[place] = rank % num_folds
    return numbers
