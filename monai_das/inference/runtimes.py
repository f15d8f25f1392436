"""Run a bundle's network by ONNX Runtime or OpenVINO instead of PyTorch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from monai.bundle import ConfigParser
from numpy.typing import NDArray
from torch import Tensor

from monai_das._optional import require
from monai_das.inference.bundle_model import DASBundleModel
from monai_das.inference.case_result import RUNTIMES
from monai_das.inference.onnx_parts import (
    DEPTH,
    PLANE,
    TAKEN,
    OnnxParts,
    export_parts,
    keep_parts,
    kept_parts,
)
from monai_das.inference.steps import resizes
from monai_das.networks import DASNetwork
from monai_das.networks.base import check_finite
from monai_das.samplers import Sampler, Selection, take_slices
from monai_das.samplers.selection import new_selection

Arrays = Mapping[str, NDArray[Any]]
Graph = Callable[[Arrays], list[NDArray[Any]]]
# what has to be installed
MODULES = {"onnx": "onnxruntime", "openvino": "openvino"}
# what probabilities of two runtimes may differ by
TOLERANCE = 1e-4


class RuntimeNetwork:
    """A network whose ``score`` and ``classify`` another runtime computes, one case at a time, on the CPU.

    OpenVINO computes ``classify`` alone: it has no sums of 64 bits, which a sampling design needs. ONNX Runtime, which
    its extra holds too, chooses beside it.

    Args:
        network: makes the thumbnails, and holds the sampler whose budget may be lowered afterwards.
        runtime: ``"onnx"`` or ``"openvino"``.
        parts: the graphs of ``network``.

    Shape:
        as those of :class:`~monai_das.networks.DASNetwork`, with B = 1 and without ``lengths``.

    Raises:
        ImportError: the runtime is not installed.
        ValueError: in use: the sampler's budget is above that of the graphs, or a thumbnail is not finite.
    """

    def __init__(self, network: DASNetwork, runtime: str, parts: OnnxParts) -> None:
        self.network, self.runtime, self.parts = network, runtime, parts
        self.most: int = network.sampler.num_slices
        self.choose = onnx_graph(parts.score)
        self.answer = {"onnx": onnx_graph, "openvino": openvino_graph}[runtime](parts.classify)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the runtime's own objects are made of."""
        return RuntimeNetwork, (self.network, self.runtime, self.parts)

    @property
    def sampler(self) -> Sampler:
        """The sampler whose ``num_slices`` is the budget."""
        return self.network.sampler

    @property
    def thumbnail_size(self) -> int:
        """Side of the thumbnails in pixels."""
        return self.network.thumbnail_size

    @property
    def thumbnail_side(self) -> Tensor:
        """The same as a tensor, on the device of the network."""
        return cast(Tensor, self.network.thumbnail_side)

    def thumbnails(self, volume: Tensor) -> Tensor:
        """Return thumbnails of ``volume``, as the network does."""
        return self.network.thumbnails(volume)

    def score(self, thumbnails: Tensor) -> Selection:
        """Return what the sampler chooses."""
        pixels = thumbnails.numpy()
        if not np.isfinite(pixels.sum(dtype=np.float64)):
            check_finite(thumbnails)
        budget = self.sampler.num_slices
        if budget > self.most:
            raise ValueError(f"the network was exported for {self.most} slices, got {budget=}; export it anew")
        chosen = new_selection(*map(torch.from_numpy, self.choose({"thumbnails": pixels})))
        if budget == self.most:
            return chosen
        fewer = {name: getattr(chosen, name)[:, :budget] for name in ("weights", "indices", "kept")}
        return chosen._replace(**fewer)

    def classify(self, slices: Tensor, selection: Selection) -> Tensor:
        """Return logits ``(1, num_classes)``."""
        taken = {name: getattr(selection, name).numpy() for name in TAKEN}
        return torch.from_numpy(self.answer({"slices": slices.float().numpy(), **taken})[0])


def run_by(
    model: DASBundleModel, runtime: str, num_slices: int | None = None, folder: Path | None = None
) -> DASBundleModel:
    """Return ``model`` with a network that ``runtime`` computes, checked once against PyTorch.

    Args:
        model: of a bundle, on the CPU.
        runtime: ``"torch"``, ``"onnx"`` or ``"openvino"``.
        num_slices: the budget k; by default the bundle's own. It cannot be raised later.
        folder: keeps the exported graphs for later runs, because making them takes longer than many cases; None keeps
            none.

    Raises:
        ValueError: ``runtime`` is none of the three; the network is not on the CPU, cannot be exported, or computes
            something else by ``runtime``.
        ImportError: the runtime or what exports to ONNX is not installed; the message names the extra.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime must be one of {', '.join(RUNTIMES)}, got {runtime!r}")
    if runtime == "torch":
        return model
    if torch.as_tensor(model.network.thumbnail_side).device.type != "cpu":
        raise ValueError(f"{RUNTIMES[runtime]} runs on the CPU here; give the device cpu, or the runtime torch")
    network = python_network(model)
    if num_slices is not None:
        network.sampler.num_slices = model.network.sampler.num_slices = num_slices
    plane = next((each.resizer.spatial_size[:2] for each in model.preprocessing if resizes(each)), None)  # type: ignore[attr-defined]
    size, channels = None if plane is None else [int(side) for side in plane], model.contract.channels
    facts = (model.info.weights_sha256, model.info.config_sha256, network.sampler.num_slices, channels, size)
    parts = kept_parts(folder, facts)
    if parts is None:
        parts = export_parts(network, channels, size)
        keep_parts(parts, folder, facts)
    other = cast(DASNetwork, RuntimeNetwork(network, runtime, parts))
    info = dataclasses.replace(model.info, runtime=runtime)
    changed = dataclasses.replace(model, network=other, info=info)
    _check_same(model, changed, PLANE if size is None else (size[0], size[1]))
    return changed


def python_network(model: DASBundleModel) -> DASNetwork:
    """Return the network of ``model``; of TorchScript, which cannot be exported, one made of config and weights."""
    if not isinstance(model.network, torch.jit.ScriptModule):
        return model.network
    network = cast(DASNetwork, ConfigParser(dict(model.config)).get_parsed_content("network_def"))
    # a script holds its own buffers that are no weights, too
    held = model.network.state_dict()
    network.load_state_dict({name: held[name] for name in network.state_dict()})
    return network.eval()


@torch.no_grad()
def _check_same(model: DASBundleModel, other: DASBundleModel, plane: tuple[int, int]) -> None:
    """Raise ``ValueError`` unless both choose the same slices of two made-up cases, and answer the same."""
    generator = torch.Generator().manual_seed(0)
    name = RUNTIMES[other.info.runtime]
    for depth in (DEPTH + 7, 3):
        strength = torch.rand(depth, generator=generator)
        volume = torch.rand(1, model.contract.channels, *plane, depth, generator=generator) * strength
        thumbnails = model.network.thumbnails(volume)
        wanted = model.network.score(thumbnails)
        slices = take_slices(volume, wanted)
        answer = model.probabilities(model.network.classify(slices, wanted)[0])
        try:
            found = other.network.score(thumbnails)
            told = other.probabilities(other.network.classify(slices, wanted)[0])
        except Exception as error:  # each runtime has errors of its own
            first = str(error).strip().partition("\n")[0]
            raise ValueError(f"{name} cannot run this network ({first}); use the runtime torch") from error
        if not (torch.equal(found.indices, wanted.indices) and torch.equal(found.kept, wanted.kept)):
            raise ValueError(f"{name} chooses other slices than PyTorch of a made-up case; use another runtime")
        away = float(np.abs(np.array(told) - np.array(answer)).max())
        if not away <= TOLERANCE:
            raise ValueError(
                f"{name} gives probabilities that are {away:.2g} from PyTorch's for a made-up case, at most "
                f"{TOLERANCE:g} is allowed; use another runtime"
            )


def onnx_graph(model: bytes) -> Graph:
    """Return a call of ``model`` by ONNX Runtime, with as many threads as PyTorch has."""
    runtime = require(MODULES["onnx"], extra="export")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda feeds: cast("list[NDArray[Any]]", session.run(None, dict(feeds)))


def openvino_graph(model: bytes) -> Graph:
    """Return a call of ``model`` by OpenVINO in float32, with as many threads as PyTorch has."""
    core = require(MODULES["openvino"], extra="openvino").Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    # it leaves out inputs that nothing uses
    names = [each.any_name for each in compiled.inputs]
    return lambda feeds: [np.array(each) for each in compiled({name: feeds[name] for name in names}).values()]
