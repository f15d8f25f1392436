"""A guard on speed: ratios, each taken in one run, with margins for a machine that has other work.

What is promised on a quiet machine stands in docs/results/cost.md and docs/scale.md. The best of five measurements
counts, as other work can only spoil a ratio; what makes one side slow for good fails all five.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.studies import cost
from benchmarks.studies.io import phantom
from benchmarks.studies.pictures import run_pictures
from benchmarks.studies.scale import throughput
from monai_das.datasets import write_dicom_series
from monai_das.inference.onnx_parts import export_parts
from monai_das.inference.runtimes import RuntimeNetwork
from monai_das.samplers import DASFullSampler, DASSampler, take_slices
from tests.bundle.bundle_runs import BUNDLE

pytestmark = pytest.mark.e2e
BACKBONE = "MobileNetV3-Small"


@pytest.fixture(autouse=True)
def _one_thread_without_gradients():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        yield
    torch.set_num_threads(threads)


def best(measure: Callable[[], float], least: float) -> float:
    """Return the best of up to five measurements; the first that reaches ``least`` ends them."""
    found: list[float] = []
    while len(found) < 5 and (not found or max(found) < least):
        found.append(measure())
    return max(found)


def ratio(slow: Callable[[], object], fast: Callable[[], object], rounds: int) -> float:
    """Return how many times the least time of ``slow`` is that of ``fast``, called in turn."""
    first, second = (min(each) for each in cost.seconds_in_turn([slow, fast], rounds))
    return first / second


def test_a_quarter_of_the_slices_is_faster_than_all_of_them():
    volume = torch.rand(1, 1, 64, 64, 64)
    full = cost.network(DASFullSampler(), BACKBONE, 64)
    quarter = cost.network(DASSampler(num_slices=16), BACKBONE, 64)

    assert best(lambda: ratio(lambda: full(volume), lambda: quarter(volume), 15), 1.6) >= 1.6


@pytest.mark.parametrize(("size", "most"), [("28", 0.4), ("64", 0.2)])
def test_choosing_costs_a_small_share_of_the_backbone(size: str, most: float):
    assert best(lambda: -cost.sampler_shares(size, 5)[0], -most) >= -most


def test_onnx_runtime_is_faster_than_eager():
    volume = torch.rand(1, 1, 28, 28, 28)
    network = cost.network(DASSampler(num_slices=14), BACKBONE, 28)
    other = RuntimeNetwork(network, "onnx", export_parts(network, 1, (28, 28)))

    def by_onnx() -> torch.Tensor:
        selection = other.score(other.thumbnails(volume))
        return other.classify(take_slices(volume, selection), selection)

    torch.testing.assert_close(by_onnx(), network(volume), rtol=1e-3, atol=1e-4)
    assert best(lambda: ratio(lambda: network(volume), by_onnx, 10), 1.2) >= 1.2


def test_a_montage_costs_a_fraction_of_the_inference():
    def speed() -> float:
        report, _ = run_pictures(str(BUNDLE), depth=40, side=256, rounds=3)
        return 1.0 / float(json.loads(report.splitlines()[-1])["montage_of_inference"])

    assert best(speed, 0.7) >= 0.7


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two workers need two cores")
def test_two_workers_work_at_the_same_time(tmp_path: Path):
    write_dicom_series(phantom(256, 64), tmp_path / "series")
    one, alone = throughput(tmp_path / "series", 1, 16)
    two, at_once = throughput(tmp_path / "series", 2, 16)

    print(f"two workers do {two / one:.2f} times what one does; 1.6 is wanted of an idle machine")
    # how much that is depends on what else the machine does; that no worker waits for the other does not
    assert alone < 1.01
    assert at_once >= 1.5
