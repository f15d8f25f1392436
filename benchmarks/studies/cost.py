"""``python -m benchmarks cost``: what choosing costs and what it saves, measured side by side with one thread."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from statistics import median

import torch
from torch import Tensor

from monai_das.networks import DASMobileNetV3Small, make_thumbnails
from monai_das.samplers import DASSampler

CUBES = ((28, 0.10), (64, 0.05), (96, 0.05))
BATCHES = (16, 1)
THUMBNAIL = 64
STUDY_SECONDS = 0.3


def seconds_in_turn(functions: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return the median seconds of each function; they are called in turn, after one warm-up of each."""
    taken: list[list[float]] = [[] for _ in functions]
    for turn in range(rounds + 1):
        for function, times in zip(functions, taken, strict=True):
            began = time.perf_counter()
            function()
            if turn > 0:
                times.append(time.perf_counter() - began)
    return [median(times) for times in taken]


def slices_of(volume: Tensor) -> Tensor:
    """Return all slices ``(B * D, 1, H, W)`` of ``(B, 1, H, W, D)`` with the strides of ``channels_last``."""
    images = volume.permute(0, 4, 2, 3, 1).clone(memory_format=torch.contiguous_format)
    return images.flatten(0, 1).permute(0, 3, 1, 2)


def cube_cost(size: int, batch: int, rounds: int) -> tuple[float, float]:
    """Return the seconds of the sampler, and of the backbone on all slices, for a batch of cubes of ``size``.

    The backbone sees slices of ``size``, the sampler their thumbnails: of 64 pixels, or of 28 for cubes of 28. The
    backbone gets the batch at once and case by case; the faster way counts.
    """
    volume = torch.rand(batch, 1, size, size, size)
    thumbnails = make_thumbnails(volume, min(size, THUMBNAIL))
    sampler = DASSampler(num_slices=max(1, size // 4)).eval()
    backbone = DASMobileNetV3Small(in_channels=1).eval()
    slices = slices_of(volume)
    cases = torch.split(slices, size)
    choosing, at_once, by_case = seconds_in_turn(
        (lambda: sampler(thumbnails), lambda: backbone(slices), lambda: [backbone(case) for case in cases]), rounds
    )
    return choosing, min(at_once, by_case)


def study_cost(rounds: int) -> float:
    """Return the seconds that thumbnails and choice of a 300 x 512 x 512 volume take."""
    volume = torch.rand(1, 1, 512, 512, 300)
    sampler = DASSampler(num_slices=32).eval()
    return seconds_in_turn([lambda: sampler(make_thumbnails(volume, THUMBNAIL))], rounds)[0]


@torch.no_grad()
def run_cost(rounds: int = 11) -> tuple[str, bool]:
    """Return the table with one JSON object as its last line, and whether the documentation's promises are kept."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = {(size, batch): cube_cost(size, batch, rounds) for size, _ in CUBES for batch in BATCHES}
    study = study_cost(rounds)
    torch.set_num_threads(threads)
    lines = [
        "| cube | batch | DASSampler ms | backbone on all slices ms | share | promise |",
        "|---|---|---|---|---|---|",
    ]
    for (size, batch), (choosing, classifying) in rows.items():
        promise = f"<= {dict(CUBES)[size]:.0%}" if batch == BATCHES[0] else "none"
        lines.append(
            f"| {size} | {batch} | {choosing * 1e3:.2f} | {classifying * 1e3:.1f} | {choosing / classifying:.1%} "
            f"| {promise} |"
        )
    lines.append(f"\n300 x 512 x 512, thumbnails and choice: {study:.3f} s (promise: <= {STUDY_SECONDS} s)")
    shares = {f"{size}x{batch}": round(a / b, 4) for (size, batch), (a, b) in rows.items()}
    lines.append(json.dumps({"share": shares, "study_s": round(study, 4)}))
    kept = all(rows[size, BATCHES[0]][0] <= limit * rows[size, BATCHES[0]][1] for size, limit in CUBES)
    return "\n".join(lines), kept and study <= STUDY_SECONDS
