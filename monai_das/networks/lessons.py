"""Warn when a sampler that must be taught is in training, and nothing teaches it."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Variable

from monai_das.samplers import Sampler

REMEDY = (
    "Move its budget from all slices to k by DASBudgetSchedule(network, hold_epochs, end_epoch): schedule.step(epoch) "
    "in your own loop, schedule.attach(trainer) in MONAI's; give the output of the network to DASLoss; give "
    "DASSliceClassifier an aggregation that teaches, as its default does; or take DASGateSampler, which learns "
    "from the task loss"
)


class LessonCheck:
    """Warn at the first backward pass that does not reach the scores of a sampler that must be taught.

    Once a schedule has brought the budget to k, nothing is checked, because the lessons end with the widening.
    """

    def __init__(self) -> None:
        self.done: bool = False

    def watch(self, sampler: Sampler, logits: Tensor, *scores: Tensor) -> None:
        """Look at the backward pass of ``logits``: does it reach one of ``scores``?"""
        learns = sampler.taught and any(each.requires_grad for each in sampler.parameters())
        over = sampler.scheduled and sampler.widening == 0.0
        if self.done or over or not learns or not logits.requires_grad or torch.compiler.is_compiling():
            return
        reached: list[bool] = []
        for each in scores:
            if each.requires_grad:
                each.register_hook(lambda _: reached.append(True))  # type: ignore[no-untyped-call]

        def at_the_end(_: Any) -> None:
            # runs once the backward pass has gone through the whole graph
            Variable._execution_engine.queue_callback(lambda: self.conclude(sampler, bool(reached)))

        logits.register_hook(at_the_end)  # type: ignore[no-untyped-call]

    def conclude(self, sampler: Sampler, reached: bool) -> None:
        """Warn once unless the scores were ``reached``."""
        if not (self.done or reached):
            name = type(sampler).__name__
            warnings.warn(f"{name} is to be taught, and nothing teaches it: its choice stays. {REMEDY}", stacklevel=2)
        self.done = True
