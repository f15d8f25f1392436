"""Training, validation and test parts that all have every class, and share no patient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from monai_das.datasets.held_out import SHARES, group_place, part_of

Items = Sequence[Mapping[str, Any]]


def parts_with_every_class(items: Items, classes: Sequence[str], seed: int = 0) -> dict[str, list[dict[str, Any]]]:
    """Return ``items`` as ``{"training": [...], "validation": [...], "test": [...]}``, about 70, 15 and 15 %.

    As :func:`~monai_das.datasets.split_by_group` does, by the hash of each ``group``, so that patients who are held out
    are so in every round. Then every part that lacks a class gets one patient of another part, whose place by the hash
    is the nearest.

    Args:
        items: each with ``label``, a class number, and ``group``, the patient.
        classes: names of the classes, for errors.
        seed: which of the possible splits.

    Raises:
        ValueError: a part cannot get a class, for instance because fewer than three patients have it.
    """
    labels: dict[str, set[int]] = defaultdict(set)
    for item in items:
        labels[str(item["group"])].add(int(item["label"]))
    parts = {group: part_of(group_place(group, seed), SHARES) for group in labels}
    rare = sorted(range(len(classes)), key=lambda each: sum(each in found for found in labels.values()))
    for label in rare:
        for part in reversed(SHARES):
            if not any(parts[group] == part and label in found for group, found in labels.items()):
                parts[_giver(labels, parts, label, part, seed, classes)] = part
    return {part: [dict(item) for item in items if parts[str(item["group"])] == part] for part in SHARES}


def _giver(
    labels: Mapping[str, set[int]],
    parts: Mapping[str, str],
    label: int,
    part: str,
    seed: int,
    classes: Sequence[str],
) -> str:
    """Return the patient who brings a class into ``part`` and takes it from no other part."""
    able = []
    for group, found in labels.items():
        left = [labels[other] for other in labels if other != group and parts[other] == parts[group]]
        kept = set().union(*left)
        if label in found and parts[group] != part and all(each in kept for each in found):
            able.append(group)
    if not able:
        number = sum(label in found for found in labels.values())
        raise ValueError(
            f"class {classes[label]!r} has cases of {number} patients, and training, validation and test need a "
            "patient of every class each; add cases, merge classes, try another --seed, or say who the patients are "
            "(--group-by)"
        )
    at = (list(SHARES).index(part) + 0.5) / len(SHARES)
    return min(able, key=lambda group: abs(group_place(group, seed) - at))
