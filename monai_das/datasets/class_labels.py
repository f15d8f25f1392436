"""Class names from labels as people write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union

MOST_CLASSES = 20


def class_names_of(labels: Iterable[str]) -> dict[str, str]:
    """Return the name of the class of each label, in the order of class numbers.

    ``1``, ``1.0`` and ``1,0`` are one class, ``1``, where all labels are numbers. Numbers are sorted by size, other
    labels by the alphabet. Blanks around and several blanks inside do not count.

    Raises:
        ValueError: there are fewer than two or more than 20 classes, or two that differ in upper and lower case only.

    Example:
        >>> class_names_of(["1.0", "0", "1"])
        {'0': '0', '1': '1', '1.0': '1'}
    """
    given = sorted(set(labels))
    numbers = [_number(label) for label in given]
    if all(number is not None for number in numbers):
        named = {label: f"{number:g}" for label, number in zip(given, numbers, strict=True)}
        order: list[str] = sorted(set(named.values()), key=float)
    else:
        named = {label: " ".join(label.split()) for label in given}
        order = sorted(set(named.values()), key=lambda name: (name.casefold(), name))
    if not 2 <= len(order) <= MOST_CLASSES:
        shown = ", ".join(map(repr, order[:6]))
        raise ValueError(f"labels must be 2 to {MOST_CLASSES} classes, got {len(order)}: {shown}; give --label-column")
    folded = [name.casefold() for name in order]
    for place, name in enumerate(order):
        if folded.count(folded[place]) > 1:
            alike = [each for each in order if each.casefold() == folded[place]]
            raise ValueError(f"labels {' and '.join(map(repr, alike))} differ in case only; correct them ({name!r}?)")
    return dict(sorted(named.items(), key=lambda pair: order.index(pair[1])))


def _number(label: str) -> Union[float, None]:
    try:
        return float(label.strip().replace(",", "."))
    except ValueError:
        return None
