"""``python -m benchmarks cost``: what a selection costs and saves, against what a user would run instead.

All arms see the same inputs in one run, in turn, in ``eval()``, one case at a time and, for cubes, sixteen at once. A
network is timed whole: thumbnails, sampler, gathering and backbone.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import Any

import torch
from monai.networks.nets import DenseNet121, ResNet, resnet18
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from monai_das import samplers
from monai_das.inference import RUNTIMES
from monai_das.inference.onnx_parts import export_parts
from monai_das.inference.runtimes import MODULES, RuntimeNetwork
from monai_das.networks import DASMobileNetV3Small, DASSliceClassifier
from monai_das.samplers import Sampler, take_slices

# name: rows, columns, slices
SIZES = {
    "28": (28, 28, 28), "64": (64, 64, 64), "96": (96, 96, 96), "224x224x64": (224, 224, 64), "clip": (256, 256, 100),
    "ct": (512, 512, 300),
}  # fmt: skip
PERCENTS = ("100", "50", "25", "12.5", "6.25")
BATCH = 16
# voxels up to which 3-D networks and training are timed: beyond, they take minutes a case or more memory than there is
MOST_3D, MOST_TRAINING = 224 * 224 * 64, 96**3
LEAST_3D = 32  # a side that DenseNet121 can halve so often
RIVALS = (
    "DASTopVarianceSampler", "DASEvenSampler", "DASUniformSampler", "DPSSampler", "ADPSSampler", "PGADPSSampler",
    "PerturbedTopKSampler", "PolicyTopKSampler", "DASPaperSampler", "DASGateSampler",
)  # fmt: skip
# of DASSampler on the backbone's time for all slices, by size: what choosing may cost one case
SHARES = {"28": 0.10, **dict.fromkeys(["64", "96", "224x224x64", "clip", "ct"], 0.05)}
FASTER = {("speedup_full", "96", "25"): 2.5, ("speedup_densenet121", "96", "25"): 30.0,
          ("speedup_full", "224x224x64", "12.5"): 6.0}  # fmt: skip
FASTER_RUNTIME = 1.5  # half of the slices at 28 cubed by all of them, in the better of the other runtimes


@dataclass(frozen=True)
class Cost:
    """Of one arm at one size; seconds are medians, ``spread`` is the range of the middle half."""

    seconds: float
    spread: float
    parameters: float
    multiply_adds: float
    batch_seconds: float | None = None
    epoch_seconds: float | None = None


def seconds_in_turn(functions: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Return the seconds of each function in each round; they are called in turn, after one warm-up of each."""
    taken: list[list[float]] = [[] for _ in functions]
    for turn in range(rounds + 1):
        for function, times in zip(functions, taken, strict=True):
            began = time.perf_counter()
            function()
            if turn > 0:
                times.append(time.perf_counter() - began)
    return taken


def bundle_resnet() -> nn.Module:
    """Return the backbone of ``bundle/``: a ResNet of four blocks."""
    options: dict[str, Any] = {"conv1_t_size": 5, "conv1_t_stride": 2, "feed_forward": False}
    return ResNet("basic", [1, 1, 1, 1], [16, 32, 64, 128], spatial_dims=2, n_input_channels=1, **options)


BACKBONES: Mapping[str, Callable[[], tuple[nn.Module, int | None]]] = {
    "MobileNetV3-Small": lambda: (DASMobileNetV3Small(in_channels=1), None),
    "ResNet of the bundle": lambda: (bundle_resnet(), 128),
}


def network(sampler: Sampler, backbone: str, side: int) -> DASSliceClassifier:
    """Return a classifier in ``eval()``; thumbnails are of 64 pixels, or of 28 for slices of 28."""
    body, width = BACKBONES[backbone]()
    body = body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return DASSliceClassifier(sampler, body, 2, num_features=width, thumbnail_size=min(side, 64)).eval()


def kept(percent: str, depth: int) -> int:
    """Return k for a share of ``depth`` slices."""
    return max(1, round(float(percent) / 100 * depth))


def arms_of(size: str, backbone: str) -> dict[str, nn.Module]:
    """Return the networks that are compared at ``size``, by name; ``"100"`` is the full sequence."""
    side, _, depth = SIZES[size]
    arms: dict[str, nn.Module] = {"100": network(samplers.DASFullSampler(), backbone, side)}
    for percent in PERCENTS[1:]:
        arms[percent] = network(samplers.DASSampler(num_slices=kept(percent, depth)), backbone, side)
    if backbone != next(iter(BACKBONES)):
        return arms
    for name in RIVALS:
        arms[f"{name} 25"] = network(getattr(samplers, name)(num_slices=kept("25", depth)), backbone, side)
    if depth >= LEAST_3D and side * side * depth <= MOST_3D:
        arms["DenseNet121 3-D"] = DenseNet121(spatial_dims=3, in_channels=1, out_channels=2).eval()
        arms["ResNet-18 3-D"] = resnet18(spatial_dims=3, n_input_channels=1, num_classes=2).eval()
    return arms


def cost_of(size: str, arms: Mapping[str, nn.Module], rounds: int) -> dict[str, Cost]:
    """Return what each of ``arms`` costs at ``size``."""
    rows, columns, depth = SIZES[size]
    volume = torch.rand(1, 1, rows, columns, depth)
    times = seconds_in_turn([_call(arm, volume) for arm in arms.values()], rounds)
    cubes = rows == depth
    batch = torch.rand(BATCH, 1, rows, columns, depth) if cubes else None
    found = {}
    for (name, arm), taken in zip(arms.items(), times, strict=True):
        small = batch is not None and "3-D" not in name
        found[name] = Cost(
            seconds=median(taken),
            spread=_spread(taken),
            parameters=sum(each.numel() for each in arm.parameters()),
            multiply_adds=multiply_adds(arm, volume),
            batch_seconds=median(seconds_in_turn([_call(arm, batch)], 1)[0]) if small and batch is not None else None,
            epoch_seconds=_epoch(arm, batch) if small and batch is not None else None,
        )
    return found


def sampler_shares(size: str, rounds: int) -> tuple[float, float | None]:
    """Return the time of ``DASSampler`` by that of the backbone on all slices, for one case and for sixteen.

    The backbone gets sixteen cases at once and case by case; the faster way counts.
    """
    rows, columns, depth = SIZES[size]
    found: list[float | None] = []
    for count in (1, BATCH):
        if count > 1 and rows != depth:
            found.append(None)
            continue
        net = network(samplers.DASSampler(num_slices=kept("25", depth)), "MobileNetV3-Small", rows)
        volume = torch.rand(count, 1, rows, columns, depth)
        thumbnails = net.thumbnails(volume)
        slices = volume.permute(0, 4, 1, 2, 3).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        cases = torch.split(slices, depth)
        ways = [_call(net.score, thumbnails), _call(net.backbone, slices)]
        ways += [lambda: [net.backbone(case) for case in cases]] if count > 1 else []  # noqa: B023 - called at once
        choosing, *classifying = (median(each) for each in seconds_in_turn(ways, rounds))
        found.append(choosing / min(classifying))
    one, many = found
    assert one is not None
    return one, many


def multiply_adds(module: nn.Module, volume: Tensor) -> float:
    """Return the multiply-adds of a call, as PyTorch counts them: those of convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        module(volume)
    return float(counter.get_total_flops()) / 2


def runtime_speedups(rounds: int) -> dict[str, Any]:
    """Return full time by the time of half of the slices at 28 cubed, one case, in each runtime that is installed.

    The paper's backbone, and that of the bundle under its name.
    """
    paper, *others = (_runtime_speedups(backbone, rounds) for backbone in BACKBONES)
    return {**paper, **dict(zip(list(BACKBONES)[1:], others, strict=True))}


def _runtime_speedups(backbone: str, rounds: int) -> dict[str, float]:
    rows, columns, depth = SIZES["28"]
    volume = torch.rand(1, 1, rows, columns, depth)
    pair = [
        network(sampler, backbone, rows)
        for sampler in (samplers.DASFullSampler(), samplers.DASSampler(num_slices=depth // 2))
    ]
    graphs = [export_parts(net, 1, (rows, columns)) for net in pair]
    ways = {"eager": [_call(net, volume) for net in pair]}
    for runtime in [each for each in RUNTIMES if each != "torch" and find_spec(MODULES[each])]:
        others = [RuntimeNetwork(net, runtime, parts) for net, parts in zip(pair, graphs, strict=True)]
        for net, other in zip(pair, others, strict=True):
            torch.testing.assert_close(_whole(other, volume), net(volume), rtol=1e-3, atol=1e-4)
        ways[runtime] = [_call(partial(_whole, other), volume) for other in others]
    return {name: round(_ratio(seconds_in_turn(both, rounds)), 3) for name, both in ways.items()}


def _whole(net: RuntimeNetwork, volume: Tensor) -> Tensor:
    selection = net.score(net.thumbnails(volume))
    return net.classify(take_slices(volume, selection), selection)


@torch.no_grad()
def run_cost(sizes: Sequence[str] = tuple(SIZES), rounds: int = 7) -> tuple[str, bool]:
    """Return tables with one JSON object as the last line, and whether the promises are kept."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    figures: dict[str, dict[str, Any]] = {
        name: {} for name in ("speedup_full", "speedup_densenet121", "sampler_share", "sampler_share_one")
    }
    tables = []
    for size in sizes:
        for backbone in BACKBONES:
            turns = rounds if size != "ct" else max(1, rounds // 3)
            found = cost_of(size, arms_of(size, backbone), turns)
            tables.append(_table(size, backbone, found))
            if backbone == next(iter(BACKBONES)):
                figures["speedup_full"][size] = _speedups(found, "100")
                if "DenseNet121 3-D" in found:
                    figures["speedup_densenet121"][size] = _speedups(found, "DenseNet121 3-D")
        one, many = sampler_shares(size, rounds)
        figures["sampler_share_one"][size] = round(one, 4)
        if many is not None:
            figures["sampler_share"][size] = round(many, 4)
    figures["runtime_speedup"] = runtime_speedups(4 * rounds)
    torch.set_num_threads(threads)
    broken = list(_broken(figures))
    words = [f"promise broken: {each}" for each in broken] or ["all promises kept"]
    return "\n\n".join([*tables, "\n".join(words), json.dumps(figures)]), not broken


def _broken(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = [
        f"the sampler takes {share:.1%} of the backbone at {size} for one case, {SHARES[size]:.0%} is promised"
        for size, share in figures["sampler_share_one"].items()
        if share > SHARES[size]
    ]
    for (name, size, percent), least in FASTER.items():
        reached = figures[name].get(size, {}).get(percent)
        if reached is not None and reached < least:
            found.append(f"{name} is {reached:.1f} at {size}, {percent} %, {least:g} is promised")
    reached = [figures["runtime_speedup"][name] for name in MODULES if name in figures["runtime_speedup"]]
    if reached and max(reached) < FASTER_RUNTIME:
        found.append(f"half of the slices: {max(reached):.2f} in the best runtime, {FASTER_RUNTIME} is promised")
    return found


def _speedups(found: Mapping[str, Cost], against: str) -> dict[str, float]:
    return {percent: round(found[against].seconds / found[percent].seconds, 3) for percent in PERCENTS}


def _ratio(times: Sequence[Sequence[float]]) -> float:
    first, second = times
    return median(first) / median(second)


def _call(function: Callable[[Tensor], object], value: Tensor) -> Callable[[], object]:
    return lambda: function(value)


def _spread(taken: Sequence[float]) -> float:
    ordered = sorted(taken)
    return ordered[(3 * len(ordered)) // 4 - (len(ordered) > 3)] - ordered[len(ordered) // 4]


def _epoch(arm: nn.Module, batch: Tensor) -> float | None:
    """Return the seconds that training takes for a hundred cases; None where a step would take too long."""
    if batch[0].numel() > MOST_TRAINING:
        return None
    arm.train()
    start = time.perf_counter()
    with torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one step teaches a sampler nothing
        logits: Any = arm(batch).logits
        loss: Any = nn.functional.cross_entropy(logits, torch.arange(len(batch)) % 2)
        torch.autograd.grad(loss, [each for each in arm.parameters() if each.requires_grad], allow_unused=True)
    arm.eval()
    return (time.perf_counter() - start) * 100 / len(batch)


def _table(size: str, backbone: str, found: Mapping[str, Cost]) -> str:
    shape = " x ".join(map(str, SIZES[size]))
    full = found["100"].seconds
    lines = [
        f"**{shape}, {backbone}**\n",
        "| | parameters, M | multiply-adds, G | ms a case | middle half | of full | cases/s, sixteen at once "
        "| s to train on 100 cases |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, cost in found.items():
        title = "all slices" if name == "100" else f"DASSampler, {name} %" if name in PERCENTS else f"{name}"
        many = "" if cost.batch_seconds is None else f"{BATCH / cost.batch_seconds:.1f}"
        epoch = "" if cost.epoch_seconds is None else f"{cost.epoch_seconds:.1f}"
        lines.append(
            f"| {title} | {cost.parameters / 1e6:.2f} | {cost.multiply_adds / 1e9:.3f} | {cost.seconds * 1e3:.1f} "
            f"| {cost.spread * 1e3:.1f} | {full / cost.seconds:.2f} | {many} | {epoch} |"
        )
    return "\n".join(lines)
