"""A network's ``score`` and ``classify`` as ONNX, which other runtimes than PyTorch read."""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

import monai_das
from monai_das._atomic import atomic_path
from monai_das._optional import require
from monai_das.networks import DASNetwork
from monai_das.samplers.selection import new_selection, one_hot_rows

# what a backbone and its aggregation take from a selection
TAKEN = ("indices", "kept", "scores", "inclusion")
# slices of the case that a graph is made with, and what its plane is where any will do: two sides that differ
DEPTH, PLANE = 40, (64, 72)


class OnnxParts(NamedTuple):
    """The two graphs, as ONNX's protocol buffers; both take one case.

    Attributes:
        score: ``thumbnails`` ``(1, C, size, size, D)`` to the fields of a selection but ``whole``.
        classify: ``slices`` ``(1, C, H, W, k)`` and :data:`TAKEN` of their selection to logits.
    """

    score: bytes
    classify: bytes


class ScoreGraph(nn.Module):
    """``score`` of a network, with tensors alone."""

    def __init__(self, network: DASNetwork) -> None:
        super().__init__()
        self.sampler = network.sampler

    def forward(self, thumbnails: Tensor) -> tuple[Tensor, ...]:
        """Return the fields of the selection but the last, which is for training."""
        return tuple(self.sampler(thumbnails, None))[:-1]


class ClassifyGraph(nn.Module):
    """``classify`` of a network, with tensors alone."""

    def __init__(self, network: DASNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, slices: Tensor, indices: Tensor, kept: Tensor, scores: Tensor, inclusion: Tensor) -> Tensor:
        """Return logits ``(1, num_classes)``."""
        rows = one_hot_rows(indices, kept, scores.size(1))
        return self.network.classify(slices, new_selection(rows, indices, kept, scores, inclusion=inclusion))


def export_parts(network: DASNetwork, channels: int, plane: Sequence[int] | None = None) -> OnnxParts:
    """Return ``network``, in ``eval()``, with its present budget as ONNX.

    Args:
        network: a network on the CPU.
        channels: of the input.
        plane: rows and columns of the slices, where they are always the same; None for slices of any size.

    Raises:
        ValueError: the network cannot be exported.
        ImportError: the extra ``export`` is not installed.
    """
    for name in ("onnx", "onnxscript"):
        require(name, extra="export")
    side, sampler = network.thumbnail_size, network.sampler
    # a share of the slices that is one slice would stay one slice
    depth = DEPTH if sampler.num_slices else max(DEPTH, round(4 / sampler.fraction))
    thumbnails = torch.rand(1, channels, side, side, depth)
    rows, columns = PLANE if plane is None else plane
    with torch.no_grad():
        selection = network.score(thumbnails)
        slices = torch.rand(1, channels, rows, columns, selection.indices.size(1))
        free = {2: Dim.AUTO, 3: Dim.AUTO} if plane is None else {}
        shapes = ({**free, 4: Dim.AUTO}, *({1: Dim.AUTO} for _ in TAKEN))
        taken = tuple(getattr(selection, name) for name in TAKEN)
        return OnnxParts(
            _onnx(ScoreGraph(network).eval(), (thumbnails,), ({4: Dim.AUTO},)),
            _onnx(ClassifyGraph(network).eval(), (slices, *taken), shapes),
        )


def kept_parts(folder: Path | None, facts: Sequence[object]) -> OnnxParts | None:
    """Return what :func:`keep_parts` has kept in ``folder`` under ``facts``, or None."""
    if folder is None:
        return None
    try:
        with np.load(BytesIO(_place(folder, facts).read_bytes()), allow_pickle=False) as kept:
            return OnnxParts(kept["score"].tobytes(), kept["classify"].tobytes())
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def keep_parts(parts: OnnxParts, folder: Path | None, facts: Sequence[object]) -> None:
    """Keep ``parts`` in ``folder`` for later runs, unless it is None; ``facts`` are what they were made of."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(_place(folder, facts)) as temporary:
            score, classify = (np.frombuffer(part, np.uint8) for part in parts)
            np.savez(temporary, score=score, classify=classify)


def _place(folder: Path, facts: Sequence[object]) -> Path:
    words = json.dumps([*facts, monai_das.__version__, torch.__version__])
    return folder / f"{hashlib.sha256(words.encode()).hexdigest()}.npz"


def _onnx(graph: nn.Module, inputs: tuple[Tensor, ...], shapes: tuple[dict[int, Any], ...]) -> bytes:
    try:
        with _quiet():
            program = torch.export.export(graph, inputs, dynamic_shapes=shapes)
            exported: Any = torch.onnx.export(program, dynamo=True, verbose=False)
    except Exception as error:  # what an exporter raises is no promise of it
        first = str(error).strip().partition("\n")[0]
        raise ValueError(f"this network cannot be exported to ONNX ({first}); use the runtime torch") from error
    return bytes(exported.model_proto.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the user what the exporters say of themselves."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
