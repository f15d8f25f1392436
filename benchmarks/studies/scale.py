"""``python -m benchmarks scale``: what an archive would cost, from counts of a public one and costs measured here."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.studies.io import phantom
from monai_das.cohort import CohortOptions, Ledger, LocalEngine, run_cohort
from monai_das.data import CaseKey
from monai_das.datasets import write_dicom_series
from monai_das.inference import Predictor, ThumbnailStore, packaged_bundle

# image stacks of at least 8 slices in idc-index-data 25.0.5 (PyPI), the index of the Imaging Data Commons: series,
# objects, bytes, and of these headers
SERIES, OBJECTS, BYTES, HEADERS = 321_618, 49.3e6, 22.17e12, 0.40e12
# side and slices of a small and of a large stack; both uncompressed, as 99.9 % of the archive's CT, MR and PT are
STACKS = ((256, 64), (512, 300))
KEPT = 16
# series that one worker and two are timed on
COHORT = 32


def run_scale(rounds: int = 3, price: float = 0.05) -> str:
    """Return a projection to the archive, with one JSON object as its last line.

    Seconds are those of the processor, of one thread, the best of ``rounds``; a stack costs so many a case and so many
    a byte, by a line through the two that are measured.

    Args:
        rounds: runs of each stack.
        price: of a core for an hour.
    """
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        load = os.getloadavg()[0]
        points = [_measured(Path(folder), side, depth, rounds) for side, depth in STACKS]
        rates = {count: throughput(Path(folder) / f"series{STACKS[0][0]}", count)[0] for count in (1, 2)}
    (size, *small), (larger, *large) = points
    slices = KEPT * BYTES / OBJECTS * SERIES
    kept = OBJECTS * 64 * 64 * 4
    read = {"first pass": BYTES, "later passes, thumbnails kept": HEADERS + kept + slices}
    lines = [
        "| | s a case | s a GB | core-hours | TB read | cost a series |",
        "|---|---|---|---|---|---|",
    ]
    found: dict[str, dict[str, float]] = {}
    for (name, volume), low, high in zip(read.items(), small, large, strict=True):
        per_byte = max(0.0, (high - low) / (larger - size))
        per_case = max(0.0, low - per_byte * size)
        hours = (per_case * SERIES + per_byte * BYTES) / 3600
        found[name] = {"s_per_case": per_case, "s_per_gb": per_byte * 1e9, "core_hours": hours, "tb": volume / 1e12}
        lines.append(
            f"| {name} | {per_case:.3f} | {per_byte * 1e9:.2f} | {hours:,.0f} | {volume / 1e12:.2f} "
            f"| {hours * price / SERIES:.6f} |"
        )
    one, two = (rates[count] for count in (1, 2))
    lines.append(
        f"\nOne local worker does {one:.2f} cases a second, two do {two:.2f}: {two / one:.2f} times as many "
        f"({os.cpu_count()} cores, load {load:.1f} before; 1.6 is wanted on an idle machine)."
    )
    found["workers"] = {"one": one, "two": two, "two_over_one": two / one, "load": load}
    return "\n".join([*lines, json.dumps(found)])


def _measured(folder: Path, side: int, depth: int, rounds: int) -> tuple[int, float, float]:
    """Return the bytes of a stack, and the seconds of a case without kept thumbnails and with them."""
    place = folder / f"series{side}"
    write_dicom_series(phantom(side, depth), place)
    size = sum(each.stat().st_size for each in place.iterdir())
    store = ThumbnailStore(folder / "thumbnails", CaseKey.new())
    taken: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds + 1):
        for kept in taken:
            predictor = Predictor(
                packaged_bundle(), num_slices=KEPT, accept_any_input=True, store=store if kept else None
            )
            start = time.process_time()
            predictor.predict(place)
            taken[kept].append(time.process_time() - start)
    return size, min(taken[False][1:]), min(taken[True][1:])


def throughput(series: Path, workers: int, cases: int = COHORT) -> tuple[float, float]:
    """Return how many copies of ``series`` local ``workers`` do in a second, and how many are in work at once.

    The start of the workers does not count: an archive has one start and many cases.
    """
    with TemporaryDirectory() as folder:
        rows = ["case_id,location"]
        for number in range(cases):
            shutil.copytree(series, Path(folder) / f"series{number}")
            rows.append(f"{number},series{number}")
        manifest, out = Path(folder) / "manifest.csv", Path(folder) / "out"
        manifest.write_text("\n".join(rows) + "\n")
        run_cohort(
            manifest,
            packaged_bundle(),
            out,
            LocalEngine(workers),
            CohortOptions(num_slices=KEPT, accept_any_input=True),
        )
        ledger = Ledger(out).rows(["state", "seconds", "ended"]).to_pylist()
    undone = [row["state"] for row in ledger if row["state"] != "done"]
    if undone:
        raise RuntimeError(f"{len(undone)} of {cases} cases are {undone[0]}; look at monai-das predict on {series}")
    began = min(row["ended"].timestamp() - row["seconds"] for row in ledger)
    ended = max(row["ended"].timestamp() for row in ledger)
    return cases / (ended - began), sum(row["seconds"] for row in ledger) / (ended - began)
