"""Training, validation and test parts that all have every class, and share no patient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from monai_das.datasets.held_out import SHARES, group_place, part_of

Items = Sequence[Mapping[str, Any]]
FEWEST = len(SHARES)
# patients times seeds that are tried
MOST_TRIES = 2_000_000


def parts_with_every_class(
    items: Items, classes: Sequence[str], seed: int | None = None
) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """Return ``items`` as ``{"training": [...], "validation": [...], "test": [...]}``, about 70, 15 and 15 %.

    As :func:`~monai_das.datasets.split_by_group` does, by the hash of each ``group`` alone: no patient is ever moved.
    So a patient who was held out is held out in every round with the same seed, and more cases take no class from a
    part.

    Args:
        items: each with ``label``, a class number, and ``group``, the patient.
        classes: names of the classes, for errors.
        seed: which of the possible splits; None: the first by which every part has every class.

    Returns:
        The parts, and the seed.

    Raises:
        ValueError: fewer than three patients have a class, or a part lacks one by ``seed``, or by all that were tried.
    """
    labels: dict[str, set[int]] = defaultdict(set)
    for item in items:
        labels[str(item["group"])].add(int(item["label"]))
    for label, name in enumerate(classes):
        number = sum(label in found for found in labels.values())
        if number < FEWEST:
            raise ValueError(f"class {name!r} has cases of {number} patients, {_NEEDS}")
    tries = range(max(1, MOST_TRIES // len(labels))) if seed is None else [seed]
    for number in tries:
        parts = {group: part_of(group_place(group, number), SHARES) for group in labels}
        lacking = _lacking(labels, parts, classes)
        if not lacking:
            found = {part: [dict(item) for item in items if parts[str(item["group"])] == part] for part in SHARES}
            return found, number
    if seed is None:
        raise ValueError(f"no split by patient gives every part every class, {_NEEDS}")
    raise ValueError(
        f"by --seed {seed} no {lacking} case is in one of the parts, {_NEEDS.partition('; ')[0]}; leave --seed out, "
        "and one that does is looked for, unless it is that of an earlier round: then add cases"
    )


_NEEDS = (
    "and training, validation and test need a patient of every class each; add cases, merge classes, or say who the "
    "patients are (--group-by)"
)


def _lacking(labels: Mapping[str, set[int]], parts: Mapping[str, str], classes: Sequence[str]) -> str:
    """Return the name of a class that a part lacks, empty where none does."""
    have: dict[str, set[int]] = {part: set() for part in SHARES}
    for group, found in labels.items():
        have[parts[group]] |= found
    missing = [name for label, name in enumerate(classes) if any(label not in found for found in have.values())]
    return missing[0] if missing else ""
