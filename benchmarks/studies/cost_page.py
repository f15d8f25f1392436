"""The page of what a selection costs, ``docs/results/cost.md``."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.studies.cost import SIZES
from monai_das._atomic import atomic_path


def write_page(report: str, sizes: Sequence[str], path: Path) -> None:
    """Write the tables of ``report`` as the page ``path``, whole or not at all, with what they were made by."""
    tables, _, _ = report.rpartition("\n\n")  # the figures are for scripts
    command = " ".join(["python -m benchmarks cost", *([] if tuple(sizes) == tuple(SIZES) else ["--size", *sizes])])
    versions = f"PyTorch {torch.__version__}, one thread, {platform.machine()}, {os.cpu_count()} cores"
    load = f"load {os.getloadavg()[0]:.1f} at the end"
    page = [
        f"# Cost of choosing\n\nOutput of the command below, recorded: {versions}, {load}.",
        f"```\n{command}\n```",
        tables,
    ]
    with atomic_path(path) as temporary:
        temporary.write_text("\n\n".join(page) + "\n", encoding="utf-8")
