"""Which patients are held out, by their pseudonyms alone: whoever is once, always is, however many cases come in."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

SHARES = {"training": 0.7, "validation": 0.15, "test": 0.15}


def group_place(group: str, seed: int = 0) -> float:
    """Return a number from 0 to 1 for a group of cases (a patient), the same wherever and beside whom it is seen.

    Numbers of many groups are spread evenly. Where a share is held out, those with the highest numbers are.

    Example:
        >>> round(group_place("patient-0123456789abcdef"), 3)
        0.659
    """
    digest = hashlib.sha256(f"{seed} {group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_by_group(
    items: Sequence[Mapping[str, Any]], shares: Mapping[str, float] | None = None, seed: int = 0
) -> dict[str, list[dict[str, Any]]]:
    """Return ``items`` in parts by the hash of their ``group``: a group falls into the same part in every round.

    So cases that were held out never train later, and cases that trained never test, however many cases come in.
    :func:`~monai_das.datasets.split_by_patient` meets the shares better, and splits anew with every case.

    Args:
        items: each with ``label`` and ``group``.
        shares: maps a part to its share of the groups, by default 0.7 for training, 0.15 for validation and for test.
            The last parts take the highest places, so that what is tested here is held out for fine-tuning too.
        seed: which of the possible splits; keep it from round to round.

    Raises:
        ValueError: a share is not positive, or a part lacks one of the labels; the message counts the groups.
    """
    wanted = dict(SHARES if shares is None else shares)
    if not wanted or any(share <= 0 for share in wanted.values()):
        raise ValueError(f"shares must be positive numbers by part, got {wanted}")
    parts: dict[str, list[dict[str, Any]]] = {part: [] for part in wanted}
    for item in items:
        parts[part_of(group_place(str(item["group"]), seed), wanted)].append(dict(item))
    _check_labels(items, parts)
    return parts


def part_of(place: float, shares: Mapping[str, float]) -> str:
    """Return the part of a group with this ``place`` from 0 to 1."""
    reached, last = 0.0, ""
    for part, share in shares.items():
        reached += share / sum(shares.values())
        last = part
        if place < reached:
            break
    return last


def _check_labels(items: Sequence[Mapping[str, Any]], parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    groups: dict[Any, set[str]] = defaultdict(set)
    for item in items:
        groups[item["label"]].add(str(item["group"]))
    for part, found in parts.items():
        lacking = sorted(set(groups) - {item["label"] for item in found})
        if lacking:
            raise ValueError(
                f"the part {part!r} has no case of label {lacking[0]}, of which there are {len(groups[lacking[0]])} "
                "groups; give more cases, another seed, or fewer parts"
            )
