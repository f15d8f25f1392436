"""Warn when a sampler that must be taught is in training, and nothing teaches it."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Variable

from monai_das.samplers import Sampler, Selection

REMEDY = (
    "Give DASSliceClassifier an aggregation that teaches, as its default does, and the output of the network to "
    "DASLoss; or take DASGateSampler, which learns from the task loss"
)


class LessonCheck:
    """Warn at the first backward pass that does not reach the scores of a sampler that must be taught."""

    def __init__(self) -> None:
        self.done: bool = False

    def watch(self, sampler: Sampler, logits: Tensor, selection: Selection) -> None:
        """Look at the backward pass of ``logits`` or of the penalty: does it reach the scores of ``selection``?"""
        learns = sampler.taught and any(each.requires_grad for each in sampler.parameters())
        # where all but the sampler is frozen, the penalty alone has a graph
        ends = [each for each in (logits, selection.penalty) if each.requires_grad]
        if self.done or not learns or not ends or torch.compiler.is_compiling():
            return
        reached: list[bool] = []
        if selection.scores.requires_grad:
            selection.scores.register_hook(lambda _: reached.append(True))  # type: ignore[no-untyped-call]

        def at_the_end(_: Any) -> None:
            # runs once the backward pass has gone through the whole graph
            Variable._execution_engine.queue_callback(lambda: self.conclude(sampler, bool(reached)))

        for end in ends:
            end.register_hook(at_the_end)  # type: ignore[no-untyped-call]

    def conclude(self, sampler: Sampler, reached: bool) -> None:
        """Warn once unless the scores were ``reached``."""
        if not (self.done or reached):
            name = type(sampler).__name__
            warnings.warn(f"{name} is to be taught, and nothing teaches it: its choice stays. {REMEDY}", stacklevel=2)
        self.done = True
