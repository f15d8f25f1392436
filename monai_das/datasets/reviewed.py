"""The datalist of reviewed cases, that ``monai-das review pull`` writes: checked, with paths, split in two."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

from monai_das.datasets.held_out import group_place

PARTS = ("train", "held_out")
FIELDS = ("slices_confirmed", "slices_rejected", "slices_added")


def reviewed_datalist(
    path: str | PathLike[str], part: str = "train", every: int = 5, seed: int = 0
) -> list[dict[str, Any]]:
    """Return one part of a datalist of reviewed cases, for ``monai.data.Dataset`` and MONAI's other data sets.

    The file holds a list of cases, or a mapping whose ``training`` is one. One in ``every`` groups of cases is held
    out, by the hash of its name (:func:`~monai_das.datasets.group_place`): a group that is held out in one round is
    held out in all, however many cases come in. Cases with the same field ``group``, the pseudonym of a patient, are a
    group; without that field a ``case_id`` is one, and without that an image. Cases without a class (``label`` missing
    or null) are left out.

    Args:
        path: the JSON file; relative paths of images count from its folder.
        part: ``"train"`` or ``"held_out"``.
        every: at least 2.
        seed: of the hash; that of a project by ``monai-das new``, whose test cases are then held out here too.

    Returns:
        Per case ``{"name": str, "image": str, "label": int, "slices_confirmed": [...], "slices_rejected": [...],
        "slices_added": [...]}``, slices 0-based in the source's own order; ``name`` is the id of the case, if known.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is not such a datalist, an argument is out of range, or the part has no case.
    """
    if part not in PARTS or every < 2:
        raise ValueError(f"part must be one of {PARTS} and every at least 2, got {part=} and {every=}")
    file = Path(path)
    cases = [_case(entry, number, file) for number, entry in enumerate(_entries(file))]
    kept = [
        case for group, case in cases if case is not None and is_held_out(group, every, seed) == (part == "held_out")
    ]
    if not kept:
        groups = {group for group, case in cases if case is not None}
        raise ValueError(
            f"{file}: no case for the part {part!r}; one in {every} groups is held out, by the hash of its name, and "
            f"of {len(groups)} it may be none or all: review more cases, or hold out another share"
        )
    return kept


def is_held_out(group: str, every: int, seed: int = 0) -> bool:
    """Say whether a group is among the one in ``every`` that are held out."""
    return group_place(group, seed) >= 1.0 - 1.0 / every


def _entries(file: Path) -> list[Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: no JSON ({error}); give the datalist that monai-das review pull wrote") from error
    entries = content.get("training") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise ValueError(f"{file}: must hold a list of cases, or {{'training': [...]}}, got {type(content).__name__}")
    return entries


def _case(entry: Any, number: int, file: Path) -> tuple[str, dict[str, Any] | None]:
    """Return the group of a case, and the case; None for one without a class."""
    if not isinstance(entry, dict) or not isinstance(entry.get("image"), str):
        raise ValueError(f"{file}: case {number} must name the file of its image, got {entry!r:.80}; pull with --cases")
    label = entry.get("label")
    group = str(entry.get("group") or entry.get("case_id") or entry["image"])
    if label is None:
        return group, None
    lists = {field: entry.get(field) or [] for field in FIELDS}
    if type(label) is not int or not all(_is_indices(value) for value in lists.values()):
        raise ValueError(f"{file}: case {number} must have a class number as label and lists of slice numbers")
    name = {"name": str(entry["case_id"])} if entry.get("case_id") else {}
    return group, {**name, "image": str(file.parent / entry["image"]), "label": label, **lists}


def _is_indices(value: Any) -> bool:
    return isinstance(value, list) and all(type(index) is int for index in value)
