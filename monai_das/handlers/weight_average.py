"""Average the weights of a network over the last part of its training, with a warm-up."""

from __future__ import annotations

import copy
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_das.networks.feature_cache import tensors_of


class DASWeightAverage:
    """Keep a copy of a network that holds the average of its weights over about the last ``share`` of the steps.

    The weight of step n, counted from 1, is ``1 / (1 + share * (n - 1))``: the first steps count fully, so that nothing
    of the initial weights stays, and the window grows with the training. Parameters and buffers are averaged; whole
    numbers, such as the counters of batch norms, are copied. A parameter that does not change keeps its value to the
    last bit.

    In your own loop call :meth:`update` with the number of the step after each; with Ignite and MONAI :meth:`attach`
    does so. The weight follows from the step alone, so that a resumed training goes on where it stopped.

    Args:
        network: the network in training, or its ``DistributedDataParallel`` wrapper.
        share: which part of the steps so far the average covers, about; above 0.

    Attributes:
        network: the copy, in ``eval()``, without gradients.

    Raises:
        ValueError: ``share`` is not above 0.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> average = DASWeightAverage(layer, share=1.0)
        >>> for step, value in enumerate((0.0, 1.0, 2.0), start=1):
        ...     _ = layer.weight.data.fill_(value)
        ...     average.update(step)
        >>> average.network.weight.item()
        1.0
    """

    def __init__(self, network: nn.Module, share: float = 0.1) -> None:
        if not share > 0.0:
            raise ValueError(f"share must be above 0, got {share}")
        source: Any = network.module if isinstance(network, nn.parallel.DistributedDataParallel) else network
        self.network: nn.Module = copy.deepcopy(source).eval().requires_grad_(False)
        self.share = share
        pairs = list(zip(tensors_of(self.network), tensors_of(source), strict=True))
        self.floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self.others = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Add the network as it is after ``step`` steps."""
        averages, now = ([pair[place] for pair in self.floats] for place in (0, 1))
        torch._foreach_lerp_(averages, now, 1.0 / (1.0 + self.share * (step - 1)))
        for average, current in self.others:
            average.copy_(current)

    def attach(self, engine: Engine) -> None:
        """Update after every iteration of the training ``engine``."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Add the network after the engine's present iteration."""
        self.update(engine.state.iteration)
