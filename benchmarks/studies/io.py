"""``python -m benchmarks io``: what reading costs, what thumbnails save of it on one thread, and what threads save."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from monai.data import PydicomReader
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from monai_das.data import open_source
from monai_das.datasets import compress_dicom_series, write_dicom_series
from monai_das.networks import DASMobileNetV3Small, make_thumbnails
from monai_das.samplers import DASSampler

SYNTAXES = ("raw", "rle", "jpegls", "j2k")
BUDGETS = (32, 16)
PIXELS, THUMBNAIL, BATCH = 224, 64, 16


def phantom(side: int, depth: int) -> NDArray[np.int16]:
    """Return a body with five organs that move from slice to slice, in HU with noise of 18 HU."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side].astype(np.float32) / side - 0.5
    body = np.where((x / 0.4) ** 2 + (y / 0.3) ** 2 < 1, 40.0, -1000.0)
    volume = np.empty((side, side, depth), np.int16)
    for place in range(depth):
        image = body + random.normal(0, 18, body.shape)
        for organ, value in enumerate((-800, 60, 120, 300, -100)):
            across, down = 0.24 * np.cos(1.3 * organ + place / 90), 0.16 * np.sin(1.7 * organ + place / 60)
            radius = 0.04 + 0.03 * np.sin(place / 25 + organ)
            image[(x - across) ** 2 + (y - down) ** 2 < radius**2] += value
        volume[:, :, place] = image
    return volume


class Routes:
    """The ways from a folder to the features of its slices; the same network and sampler for all.

    Args:
        folder: a DICOM series.
        budget: k, the slices that are kept.
    """

    def __init__(self, folder: Path, budget: int) -> None:
        self.folder = folder
        self.budget = budget
        torch.manual_seed(0)
        self.network = DASMobileNetV3Small(in_channels=1).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.sampler = DASSampler(num_slices=budget).eval()

    def monai(self) -> Tensor:
        """MONAI's reader, then the network on all slices."""
        reader = PydicomReader()
        values, _ = reader.get_data(reader.read(self.folder))
        return self.classify(torch.as_tensor(np.asarray(values, dtype=np.float32))[None])

    def lean(self) -> Tensor:
        """Our decoding of every slice, then the network on all."""
        source = open_source(self.folder)
        return self.classify(source.read(range(len(source))))

    def decode_all(self) -> Tensor:
        """Every slice decoded, a choice from them, the network on the chosen."""
        source = open_source(self.folder)
        volume = source.read(range(len(source)))
        chosen = self.choose(make_thumbnails(volume[None], THUMBNAIL))
        return self.classify(volume[..., chosen])

    def thumbnails(self) -> Tensor:
        """Thumbnails, a choice from them, only the chosen decoded, the network on them."""
        source = open_source(self.folder)
        return self.classify(source.read(self.choose(source.thumbnails(THUMBNAIL)[None])))

    def uniform(self) -> Tensor:
        """Equally spaced slices decoded, the network on them."""
        source = open_source(self.folder)
        return self.classify(source.read(np.linspace(0, len(source) - 1, self.budget).round().astype(int).tolist()))

    def choose(self, thumbnails: Tensor) -> list[int]:
        """Return the slices that the sampler keeps."""
        return [int(index) for index in self.sampler(thumbnails).indices[0]]

    def classify(self, slices: Tensor) -> Tensor:
        """Return the network's features of ``(1, H, W, k)``, in batches: large ones are slowed by fresh memory."""
        found = []
        for start in range(0, slices.shape[3], BATCH):
            images = slices[..., start : start + BATCH].permute(3, 0, 1, 2)
            small = interpolate(images, (PIXELS, PIXELS), mode="bilinear", antialias=True)
            found.append(self.network(small.contiguous(memory_format=torch.channels_last)))
        return torch.cat(found)


def seconds(function: Callable[[], Any]) -> float:
    """Return the process time of ``function``: whatever else runs on the machine does not count."""
    began = time.process_time()
    function()
    return time.process_time() - began


@torch.no_grad()
def run_io(depth: int = 300, side: int = 512, rounds: int = 2, syntaxes: Sequence[str] = SYNTAXES) -> str:
    """Return the table of the routes, that of reading by several threads, and one JSON object as the last line.

    Every route runs ``rounds`` times, in turns, so that a slow phase of the machine hits all; the least time counts.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    lines = [f"{depth} slices of {side} x {side}; CPU seconds\n", "| route | k | " + " | ".join(syntaxes) + " |"]
    lines.append("|---|---|" + "---|" * len(syntaxes))
    volume = phantom(side, depth)
    with TemporaryDirectory() as root:
        folders = {syntax: _written(Path(root) / syntax, syntax, volume) for syntax in syntaxes}
        del volume
        taken = {syntax: _timed(folder, rounds) for syntax, folder in folders.items()}
        headers = min(seconds(lambda: open_source(folders[syntaxes[0]])) for _ in range(max(rounds, 5)))
        walls = {syntax: _walls(folder, rounds) for syntax, folder in folders.items()}
    torch.set_num_threads(threads)
    for route in taken[syntaxes[0]]:
        cells = [f"{taken[syntax][route]:.3f}" for syntax in syntaxes]
        lines.append(f"| {route[0]} | {route[1] or 'all'} | {' | '.join(cells)} |")
    lines += ["", "Wall seconds, without the network\n", "| reading | threads | " + " | ".join(syntaxes) + " |"]
    lines.append("|---|---|" + "---|" * len(syntaxes))
    for name, count in walls[syntaxes[0]]:
        cells = [f"{walls[syntax][name, count]:.3f}" for syntax in syntaxes]
        lines.append(f"| {name} | {count} | {' | '.join(cells)} |")
    speedup = {
        syntax: {str(k): round(found["lean", 0] / found["thumbnails", k], 2) for k in BUDGETS}
        for syntax, found in taken.items()
    }
    lines.append(json.dumps({"speedup_lean": speedup, "headers_s": round(headers, 4)}))
    return "\n".join(lines)


def _written(folder: Path, syntax: str, volume: NDArray[np.int16]) -> Path:
    write_dicom_series(volume, folder, spacing=(0.7, 0.7, 1.0))
    if syntax != "raw":
        compress_dicom_series(folder, syntax)
    return folder


def _timed(folder: Path, rounds: int) -> dict[tuple[str, int], float]:
    """Return the least seconds of every route by its name and budget; 0 is no budget."""
    routes = {budget: Routes(folder, budget) for budget in BUDGETS}
    ways = {("monai", 0): routes[BUDGETS[0]].monai, ("lean", 0): routes[BUDGETS[0]].lean}
    for budget in BUDGETS:
        ways |= {(name, budget): getattr(routes[budget], name) for name in ("decode_all", "thumbnails", "uniform")}
    found = [{way: seconds(function) for way, function in ways.items()} for _ in range(rounds)]
    return {way: min(one[way] for one in found) for way in ways}


def _walls(folder: Path, rounds: int) -> dict[tuple[str, int], float]:
    """Return the least wall seconds of reading by one thread, and by one for each processor of this process."""
    source = open_source(folder)
    acts: dict[str, Callable[[], Tensor]] = {
        "all slices": lambda: source.read(range(len(source))),
        "thumbnails": lambda: source.thumbnails(THUMBNAIL),
    }
    found: dict[tuple[str, int], float] = {}
    for _ in range(rounds):
        for count in sorted({1, os.cpu_count() or 1}):
            torch.set_num_threads(count)
            for name, act in acts.items():
                began = time.perf_counter()
                act()
                found[name, count] = min(found.get((name, count), float("inf")), time.perf_counter() - began)
    return found
