"""What to train with, proposed from what the cases are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from monai_das.data.values import OTHER
from monai_das.datasets.case_facts import CaseFacts, common

STEPS = 1500  # of the optimizer, about as many as the packaged bundle was trained for
CACHE_BYTES = 4 << 30
# HU, by the words in BodyPartExamined: what a reader's preset shows
WINDOWS = {("HEAD", "BRAIN", "SKULL"): (0, 80), ("CHEST", "LUNG", "THORAX"): (-1000, 400)}
SOFT_TISSUE = (-160, 240)


@dataclass(frozen=True)
class Proposal:
    """Settings of a training.

    Attributes:
        clips: whether the cases are clips.
        axis: plane of the slices; of clips ``"axial"``, which leaves frames as they are.
        depths, spacings: of the cases along this axis.
        num_slices, size, intensity: budget, side of thumbnails and slices in pixels, and scaling as a contract says it.
        batch_size, epochs: of the training.
        class_weights: of the loss, by class number; their mean over the training cases is 1.
        cache_rate: share of the cases that is kept in memory.
        terms: the fields of a contract that say which cases are accepted.
    """

    clips: bool
    axis: str
    depths: tuple[int, ...]
    spacings: tuple[float, ...]
    num_slices: int
    size: int
    intensity: dict[str, Any]
    batch_size: int
    epochs: int
    class_weights: tuple[float, ...]
    cache_rate: float
    terms: dict[str, Any]


def propose(
    facts: Sequence[CaseFacts], training_labels: Sequence[int], axis: str | None = None, num_slices: int | None = None
) -> Proposal:
    """Return settings for cases with ``facts``, of which those with ``training_labels`` are trained on.

    Args:
        facts: of all cases.
        training_labels: class numbers; every class occurs.
        axis, num_slices: instead of what would be proposed.

    Raises:
        ValueError: there are clips and volumes, or ``num_slices`` is below 1.
    """
    clips = {not each.plane for each in facts}
    if len(clips) > 1:
        number = sum(not each.plane for each in facts)
        raise ValueError(f"{number} clips and {len(facts) - number} volumes; make a project for each kind")
    if num_slices is not None and num_slices < 1:
        raise ValueError(f"--num-slices must be at least 1, got {num_slices}")
    plane = "" if True in clips else axis or common([each.plane for each in facts])
    depths = tuple(each.sizes[plane] for each in facts)
    spacings = tuple(each.spacing[plane] for each in facts)
    quarter = math.floor(median(depths) / 4 + 0.5)
    size = _size(facts)
    steps_of_batch = max(2, min(16, len(training_labels) // 8))
    steps = max(1, len(training_labels) // steps_of_batch)
    wanted = 4 * size * size * sum(depths)
    return Proposal(
        clips=True in clips,
        axis=plane or "axial",
        depths=depths,
        spacings=spacings,
        num_slices=num_slices or max(1, min(16 if True in clips else 32, max(quarter, 4), max(depths))),
        size=size,
        intensity=_intensity(facts),
        batch_size=min(steps_of_batch, len(training_labels)),
        epochs=max(20, min(100, round(STEPS / steps))),
        class_weights=_weights(training_labels),
        cache_rate=1.0 if wanted <= CACHE_BYTES else round(CACHE_BYTES / wanted, 3),
        terms=_terms(facts, depths, spacings),
    )


def _size(facts: Sequence[CaseFacts]) -> int:
    side = median(each.side for each in facts)
    return 32 if side < 48 else 64 if side < 96 else 112


def _intensity(facts: Sequence[CaseFacts]) -> dict[str, Any]:
    kind = common([each.values for each in facts])
    if kind == "hu":
        low, high = next(
            (
                window
                for words, window in WINDOWS.items()
                if all(any(w in each.body_part for w in words) for each in facts)
            ),
            SOFT_TISSUE,
        )
        return {"scale": "window", "low": low, "high": high}
    if kind == "grey8":
        return {"scale": "window", "low": 0, "high": 255}
    return {"scale": "range"} if kind == "mask" else {"scale": "percentiles", "low": 1, "high": 99}


def _weights(labels: Sequence[int]) -> tuple[float, ...]:
    counts: Mapping[int, int] = Counter(labels)
    return tuple(round(len(labels) / (len(counts) * counts[label]), 4) for label in sorted(counts))


def _terms(facts: Sequence[CaseFacts], depths: Sequence[int], spacings: Sequence[float]) -> dict[str, Any]:
    """Return what a case must be like; numbers may be half or twice of what was seen."""
    modalities, parts = ({getattr(each, name) for each in facts} for name in ("modality", "body_part"))
    kinds = {each.values for each in facts if each.values}
    known = [each for each in spacings if each > 0]
    return {
        "modality": tuple(sorted(modalities - {""})) or None,
        "body_part": None if "" in parts else tuple(sorted(parts)),
        "values": kinds.pop() if len(kinds) == 1 and OTHER not in kinds else None,
        "slices": (max(1, min(depths) // 2), 2 * max(depths)),
        "spacing": (round(min(known) / 2, 4), round(2 * max(known), 4)) if known else None,
    }
