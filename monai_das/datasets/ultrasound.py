"""Ultrasound clips with labels: COVID-BLUES and BUSV as published, grouped by patient."""

from __future__ import annotations

import csv
import re
from os import PathLike
from pathlib import Path
from typing import Any

from monai_das.data.video import VIDEO_SUFFIXES
from monai_das.datasets.datalists import split_by_patient

TARGETS = ("severity>=2", "severity")
# what the authors of BUSV announced on 2023-03-25: a copy of a malignant clip; and one patient, all malignant
BUSV_COPY = "x66ef02e7f1b9a0ef"
BUSV_ONE_PATIENT = ("63c9ba1377f35bf6", "5a1c46ec6377e946", "2390fbea047347b", "7a39ab5d4970bf89")


def covid_blues_datalist(
    root: str | PathLike[str],
    target: str = "severity>=2",
    *,
    fold: int = 0,
    num_folds: int = 5,
    seed: int = 0,
) -> dict[str, list[dict[str, Any]]]:
    """Return one fold of COVID-BLUES as ``{"training": [...], "validation": [...]}``, no patient in both.

    Rows of ``severity.csv`` whose clip is missing, and clips without a score, are skipped. Folds are stratified by
    label. The data is CC BY-NC-ND 4.0.

    Args:
        root: folder with ``severity.csv`` and ``lus_videos``, or one with a folder ``covid_blues`` like that.
        target: ``"severity>=2"`` for two classes, ``"severity"`` for the four scores 0 to 3.
        fold: which fold is for validation, from 0.
        num_folds: how many there are, at least 2.
        seed: which split.

    Returns:
        ``{"image": path of the mp4 file, "label": int}`` for each clip.

    Raises:
        FileNotFoundError: the data is not there.
        ValueError: an argument is out of range.

    References:
        Wiedemann et al., *COVID-BLUES*, IEEE Journal of Biomedical and Health Informatics, 2025.
    """
    if target not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(TARGETS)}, got {target!r}")
    if num_folds < 2 or not 0 <= fold < num_folds:
        raise ValueError(f"fold must be in 0 to num_folds - 1 and num_folds at least 2, got {fold} of {num_folds}")
    items = covid_blues_items(root, target)
    parts = split_by_patient(items, {str(number): 1.0 for number in range(num_folds)}, seed)
    training = [item for number, part in parts.items() if number != str(fold) for item in part]
    return {"training": sorted(training, key=lambda item: str(item["image"])), "validation": parts[str(fold)]}


def covid_blues_items(root: str | PathLike[str], target: str = "severity>=2") -> list[dict[str, Any]]:
    """Return every clip with a score, sorted, ``{"image": path, "label": int, "patient": str}``; as above."""
    folder = next(
        (place for place in (Path(root) / "covid_blues", Path(root)) if (place / "severity.csv").is_file()), None
    )
    if folder is None:
        raise FileNotFoundError(f"{root}: no severity.csv; give the folder of COVID-BLUES as published")
    with (folder / "severity.csv").open(encoding="utf-8", newline="") as stream:
        rows = [(row["video_file"], row["Severity Score"]) for row in csv.DictReader(stream)]
    items = []
    for name, score in sorted(rows):
        path, patient = folder / "lus_videos" / f"{name}.mp4", re.match(r"(patient_\d+)_", name)
        if patient and score.strip() and path.is_file():
            severity = int(float(score))
            label = int(severity >= 2) if target == "severity>=2" else severity
            items.append({"image": str(path), "label": label, "patient": patient[1]})
    if not items:
        raise FileNotFoundError(f"{folder}: no clip with a score in lus_videos; give the folder as published")
    return items


def busv_items(root: str | PathLike[str]) -> list[dict[str, Any]]:
    """Return the clips of BUSV with the labels that its authors corrected, ``{"image", "label", "patient"}``.

    Label 1 is malignant. One of the 188 published clips occurs twice and is left out once. Four clips are of one
    patient: two of them were published as benign, but all four are malignant. Every other clip counts as a patient of
    its own.

    Args:
        root: folder with the folders ``benign`` and ``malignant``, at any depth, of videos or of folders of frames.

    Raises:
        FileNotFoundError: there is no clip.

    References:
        Lin et al., *A New Dataset and a Baseline Model for Breast Lesion Detection in Ultrasound Videos*, MICCAI 2022;
        the notice of 2023-03-25 in the README of their repository CVA-Net.
    """
    items = []
    for label, kind in enumerate(("benign", "malignant")):
        for folder in sorted(Path(root).rglob(kind)):
            for path in sorted(folder.iterdir()):
                name = path.stem if path.suffix.lower() in VIDEO_SUFFIXES else path.name
                if not (path.is_dir() or path.suffix.lower() in VIDEO_SUFFIXES) or (
                    kind == "benign" and name == BUSV_COPY
                ):
                    continue
                shared = name in BUSV_ONE_PATIENT
                items.append(
                    {"image": str(path), "label": 1 if shared else label, "patient": "shared" if shared else name}
                )
    if not items:
        raise FileNotFoundError(
            f"{root}: no clip in folders benign and malignant; give the folder of BUSV as published"
        )
    return items
