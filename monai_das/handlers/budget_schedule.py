"""Move the budget of every sampler of a network from all slices to k in the course of training."""

from __future__ import annotations

import math

from ignite.engine import Engine, Events
from torch import nn

from monai_das.samplers import Sampler

SHAPES = ("cosine", "linear")


class DASBudgetSchedule:
    """Hold an attribute of all samplers at ``start``, then let it fall to ``end``, iteration by iteration.

    With the default attribute ``widening`` the budget is all D slices for ``hold_epochs`` epochs, shrinks, and is k
    from ``end_epoch`` on (see :class:`monai_das.samplers.Sampler`). Other numbers of a sampler, such as ``noise``
    or ``temperature``, can be scheduled by a second instance.

    In your own loop call :meth:`step` with the epoch, best before every iteration and with its fraction of the epoch;
    with Ignite and MONAI :meth:`attach` does so. The value follows from the epoch alone, so that a resumed training
    goes on where it stopped.

    Args:
        network: the network in training, or its ``DistributedDataParallel`` wrapper; every sampler inside is moved.
        hold_epochs: epochs, or parts of one, at ``start``.
        end_epoch: epoch, counted from 0, from which the value is ``end``; 0 means ``end`` from the beginning.
        shape: ``"cosine"`` or ``"linear"``, how it falls in between.
        attribute: name of the number to move.
        start: its first value.
        end: its last value.

    Raises:
        ValueError: times are negative or in the wrong order, the shape is unknown, or no sampler of the network has the
            attribute.

    Example:
        >>> from monai_das.samplers import DASTopVarianceSampler
        >>> schedule = DASBudgetSchedule(DASTopVarianceSampler(num_slices=4), hold_epochs=2, end_epoch=6)
        >>> [round(schedule.value(epoch), 2) for epoch in (0, 2, 4, 6, 9)]
        [1.0, 1.0, 0.5, 0.0, 0.0]
    """

    def __init__(
        self,
        network: nn.Module,
        hold_epochs: float,
        end_epoch: float,
        shape: str = "cosine",
        attribute: str = "widening",
        start: float = 1.0,
        end: float = 0.0,
    ) -> None:
        if hold_epochs < 0 or end_epoch < hold_epochs:
            raise ValueError(f"times must be 0 <= hold_epochs <= end_epoch, got {hold_epochs=} and {end_epoch=}")
        if shape not in SHAPES:
            raise ValueError(f"shape must be one of {SHAPES}, got {shape!r}")
        self.samplers = [part for part in network.modules() if isinstance(part, Sampler) and hasattr(part, attribute)]
        if not self.samplers:
            raise ValueError(f"no sampler of {type(network).__name__} has the attribute {attribute!r} to schedule")
        self.hold_epochs = hold_epochs
        self.end_epoch = end_epoch
        self.shape = shape
        self.attribute = attribute
        self.start = start
        self.end = end

    def value(self, epoch: float) -> float:
        """Return the value after ``epoch`` epochs, which may be a fraction."""
        if epoch >= self.end_epoch:
            return self.end
        if epoch <= self.hold_epochs:
            return self.start
        progress = (epoch - self.hold_epochs) / (self.end_epoch - self.hold_epochs)
        fall = progress if self.shape == "linear" else 0.5 - 0.5 * math.cos(math.pi * progress)
        return self.start + (self.end - self.start) * fall

    def step(self, epoch: float) -> None:
        """Set the value that holds after ``epoch`` epochs, which may be a fraction, in every sampler."""
        now = self.value(epoch)
        for sampler in self.samplers:
            setattr(sampler, self.attribute, now)

    def attach(self, engine: Engine) -> None:
        """Set the value at the start of every iteration of the training ``engine``."""
        engine.add_event_handler(Events.ITERATION_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Set the value that the engine's present iteration asks for."""
        length = engine.state.epoch_length
        done = engine.state.iteration - 1
        self.step(done / length if length else float(engine.state.epoch - 1))
