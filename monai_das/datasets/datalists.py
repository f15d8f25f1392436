"""Datalists in MONAI's form, split by patient: from folders, a CSV file or a tree of DICOM files."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from monai_das.data import CaseKey, find_cases
from monai_das.data.dicom import images_ahead, read_dataset
from monai_das.datasets.held_out import SHARES


def folder_datalist(root: str | PathLike[str], case_key: CaseKey) -> list[dict[str, Any]]:
    """Return the cases below the folders of ``root``, whose names are the classes.

    The group of a case is the pseudonym of its patient, see :meth:`~monai_das.data.CaseKey.group`; a file that names no
    patient is a group of its own.

    Args:
        root: a folder with one folder of cases for each class.
        case_key: makes the pseudonyms.

    Returns:
        ``{"image": path, "label": int, "name": str, "group": str}`` for each case; labels count the classes in sorted
        order, names are the ids of the cases.

    Raises:
        FileNotFoundError: ``root`` does not exist.
        ValueError: there are fewer than two classes, or a class has no case.
    """
    folders = sorted(entry for entry in Path(root).iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if len(folders) < 2:
        raise ValueError(f"{root}: {len(folders)} folders; give one folder of cases for each of two or more classes")
    return [
        {"image": str(path), "label": label, **_names(path, case_key)}
        for label, folder in enumerate(folders)
        for _, path in find_cases([folder])
    ]


def csv_datalist(
    file: str | PathLike[str],
    case_key: CaseKey,
    *,
    image: str = "image",
    label: str = "label",
    patient: str = "patient",
) -> list[dict[str, Any]]:
    """Return the rows of a CSV file with a header line; paths are relative to its folder.

    Args:
        file: the CSV file, in UTF-8.
        case_key: makes the pseudonyms of patients, which are the groups.
        image: name of the column with the paths.
        label: name of the column with the labels, whole numbers.
        patient: name of the column that says who the patient is, for instance the PatientID.

    Raises:
        FileNotFoundError: ``file``, or a path in it, does not exist.
        ValueError: a column is missing, or a label is not a whole number.
    """
    place = Path(file)
    with place.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = {image, label, patient} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{file}: no column {sorted(missing)}; there are {reader.fieldnames}")
        rows = list(reader)
    items = []
    for number, row in enumerate(rows, start=2):
        path = place.parent / row[image]
        if not path.exists():
            raise FileNotFoundError(f"{file}, line {number}: {path}: no such file or folder")
        if not row[label].strip().isdecimal():
            raise ValueError(f"{file}, line {number}: label must be a whole number, got {row[label]!r}")
        names = {**_names(path, case_key), "group": case_key.patient(row[patient])}
        items.append({"image": str(path), "label": int(row[label]), **names})
    return items


def dicom_datalist(root: str | PathLike[str], labels: Mapping[str, int], case_key: CaseKey) -> list[dict[str, Any]]:
    """Return the DICOM cases at any depth below ``root`` that have a label.

    Args:
        root: a folder of cases, as for :func:`find_cases`.
        labels: maps SeriesInstanceUID, StudyInstanceUID or PatientID to a label; the first of these that it holds
            counts.
        case_key: makes the pseudonyms of patients, which are the groups.

    Raises:
        FileNotFoundError: ``root`` does not exist.
        ValueError: no case has a label, or a file is damaged.
    """
    items = []
    for _, path in find_cases([root]):
        uids = _tags(images_ahead(path)[0].path)
        found = [labels[uid] for uid in uids if uid in labels]
        if found:
            items.append({"image": str(path), "label": int(found[0]), **_names(path, case_key)})
    if not items:
        raise ValueError(
            f"{root}: no case has a label; labels are found by SeriesInstanceUID, StudyInstanceUID, PatientID"
        )
    return items


def split_by_patient(
    items: Sequence[Mapping[str, Any]], shares: Mapping[str, float] | None = None, seed: int = 0
) -> dict[str, list[dict[str, Any]]]:
    """Return ``items`` as ``{"training": [...], "validation": [...], "test": [...]}``, no patient in two of them.

    Patients are dealt out, the largest first, each to the part that lacks most of their labels. Parts come as close to
    their shares of every label as whole patients allow. Equal seeds give equal splits. Items lose their key
    ``patient``, and keep ``group``. A case that is added may change the part of others: where training goes on later,
    :func:`~monai_das.datasets.split_by_group` keeps apart what was held out.

    Args:
        items: each with ``label``, and ``group`` or ``patient``.
        shares: maps a part to its share of the items; by default 0.7, 0.15 and 0.15. Any names and positive numbers.
        seed: which of the equally good splits.

    Raises:
        ValueError: there are fewer patients than parts, or a share is not positive.
    """
    wanted = dict(SHARES if shares is None else shares)
    if not wanted or any(share <= 0 for share in wanted.values()):
        raise ValueError(f"shares must be positive numbers by part, got {wanted}")
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for item in items:
        groups[_owner(item)].append(item)
    if len(groups) < len(wanted):
        raise ValueError(f"{len(groups)} patients for {len(wanted)} parts; give fewer parts or more patients")
    parts = _dealt(groups, {part: share / sum(wanted.values()) for part, share in wanted.items()}, seed)
    return {
        part: [{key: value for key, value in item.items() if key != "patient"} for item in items if _owner(item) in who]
        for part, who in parts.items()
    }


def write_datalist(parts: Mapping[str, Sequence[Mapping[str, Any]]], file: str | PathLike[str]) -> None:
    """Write a datalist as JSON, whole or not at all, for :func:`monai.data.load_decathlon_datalist`."""
    part = Path(file).with_name(f"{Path(file).name}.{os.getpid()}.part")
    part.write_text(json.dumps(parts, indent=1) + "\n", encoding="utf-8")
    part.replace(file)


def datalist_classes(file: str | PathLike[str]) -> list[str]:
    """Return the names of the classes, which a datalist may keep under ``labels``: ``{"0": name, "1": name}``.

    Raises:
        ValueError: it keeps none, or their numbers are not 0, 1, 2, ...
    """
    labels = json.loads(Path(file).read_text(encoding="utf-8")).get("labels")
    if not isinstance(labels, dict) or sorted(labels, key=str) != sorted(map(str, range(len(labels)))) or not labels:
        raise ValueError(f'{file}: must name its classes, "labels": {{"0": name, "1": name, ...}}, got {labels!r}')
    return [str(labels[str(number)]) for number in range(len(labels))]


def datalist_places(file: str | PathLike[str]) -> dict[str, tuple[str, str]]:
    """Return part and group of each case by its name, or ``case_id``; the part is empty in a datalist without parts.

    Raises:
        FileNotFoundError: ``file`` does not exist.
        ValueError: it is no datalist whose cases have a name and a group.
    """
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
        parts = content.items() if isinstance(content, dict) else [("", content)]
        items = [(part, item) for part, inside in parts if isinstance(inside, list) for item in inside]
        return {str(item.get("name") or item["case_id"]): (part, str(item["group"])) for part, item in items}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{file}: no datalist whose cases have name and group ({error})") from error


def _names(path: Path, case_key: CaseKey) -> dict[str, str]:
    return dict(zip(("name", "group"), case_key.names_at(path), strict=True))


def _owner(item: Mapping[str, Any]) -> str:
    return str(item["group"] if "group" in item else item["patient"])


def _dealt(
    groups: Mapping[str, Sequence[Mapping[str, Any]]], shares: Mapping[str, float], seed: int
) -> dict[str, set[str]]:
    """Return which patients go to each part."""
    totals = Counter(item["label"] for group in groups.values() for item in group)
    left = {part: {label: share * count for label, count in totals.items()} for part, share in shares.items()}
    names = sorted(groups)
    shuffled = [names[place] for place in np.random.default_rng(seed).permutation(len(names))]
    parts: dict[str, set[str]] = {part: set() for part in shares}
    for name in sorted(shuffled, key=lambda one: -len(groups[one])):
        counts = Counter(item["label"] for item in groups[name])
        # an empty part comes first where there are no more patients than empty parts
        empty = [part for part in parts if not parts[part]]
        spare = len(names) - sum(len(who) for who in parts.values())
        best = max(
            empty if len(empty) >= spare else parts,
            key=lambda part: sum(count * left[part][label] / totals[label] for label, count in counts.items()),
        )
        parts[best].add(name)
        for label, count in counts.items():
            left[best][label] -= count
    return parts


def _tags(file: Path) -> tuple[str, str, str]:
    """Return SeriesInstanceUID, StudyInstanceUID and PatientID of a DICOM file, empty where they are missing."""
    keywords = ["SeriesInstanceUID", "StudyInstanceUID", "PatientID"]
    tags = read_dataset(file, stop_before_pixels=True, specific_tags=keywords)
    series, study, patient = (str(tags.get(keyword) or "") for keyword in keywords)
    return series, study, patient
