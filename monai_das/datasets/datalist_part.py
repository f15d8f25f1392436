"""The cases of one part of a datalist, after a look at the whole of it: a list that somebody edited is not trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from monai.data import load_decathlon_datalist

from monai_das.data.dicom import split_place
from monai_das.datasets.datalists import datalist_classes

# by which two entries are one case, and the word for it
SAME = {"image": "image", "name": "name", "sha256": "content (sha256)"}


def datalist_part(file: str | PathLike[str], part: str, root: str | PathLike[str]) -> list[dict[str, Any]]:
    """Return the cases of ``part``, with the paths of their images below ``root``.

    All parts are looked at: a patient in two of them would make every measure too good, and nothing would show it.

    Args:
        file: a datalist with ``labels`` (see :func:`~monai_das.datasets.datalist_classes`) and parts. Each case has
            ``image``, ``label`` and, where known, ``group`` (the patient), ``name`` and ``sha256``.
        part: ``"training"``, ``"validation"`` or ``"test"``.
        root: the folder to which paths are relative.

    Raises:
        FileNotFoundError: ``file``, or an image of ``part``, does not exist.
        ValueError: ``part`` is missing or empty, a case lacks its image or has no number of a class as its label, a
            case is there twice, or a patient is in two parts.
    """
    classes = datalist_classes(file)
    content: Any = json.loads(Path(file).read_text(encoding="utf-8"))
    parts = {name: cases for name, cases in content.items() if isinstance(cases, list)}
    if not parts.get(part):
        raise ValueError(f"{file}: no cases under {part!r}; there are {', '.join(parts) or 'no parts'}")
    seen: dict[tuple[str, str], str] = {}
    owners: dict[str, str] = {}
    for name, cases in parts.items():
        for number, case in enumerate(cases, start=1):
            place = f"{name} case {number}"
            _check_case(case, f"{file}: {place}", classes)
            _check_apart(case, (place, name), seen, owners, str(file))
    found: list[dict[str, Any]] = load_decathlon_datalist(file, False, part, root)
    for number, case in enumerate(found, start=1):
        if not split_place(Path(case["image"]))[0].exists():
            raise FileNotFoundError(f"{file}: {part} case {number}: {case['image']}: no such file or folder")
    return found


def _check_case(case: Any, place: str, classes: list[str]) -> None:
    if not isinstance(case, Mapping) or not isinstance(case.get("image"), str) or not case["image"]:
        raise ValueError(f'{place}: must be {{"image": path, "label": number, ...}}, got {case!r}')
    label = case.get("label")
    if type(label) is not int or not 0 <= label < len(classes):
        numbered = ", ".join(f"{number} {name}" for number, name in enumerate(classes))
        raise ValueError(f"{place}: label must be the number of a class ({numbered}), got {label!r}")


def _check_apart(
    case: Mapping[str, Any], place: tuple[str, str], seen: dict[tuple[str, str], str], owners: dict[str, str], file: str
) -> None:
    """Raise if ``case`` was seen before, or its patient in another part."""
    for key, word in SAME.items():
        value = str(case.get(key) or "")
        before = seen.setdefault((key, value), place[0]) if value else place[0]
        if before != place[0]:
            raise ValueError(
                f"{file}: {before} and {place[0]} have the same {word}, so one case is there twice; keep one"
            )
    patient = str(case.get("group") or "")
    if patient and owners.setdefault(patient, place[1]) != place[1]:
        raise ValueError(
            f"{file}: a patient (group) is in {owners[patient]} and in {place[1]}, see {place[0]}; keep all cases of "
            "a patient in one part, or what is measured is too good"
        )
