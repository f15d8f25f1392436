"""Warn when a sampler that must be taught is in training and nothing teaches it, or when it does not learn."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Variable

from monai_das.samplers import Sampler, Selection

REMEDY = (
    "Move its budget from all slices to k by DASBudgetSchedule(network, hold_epochs, end_epoch): schedule.step(epoch) "
    "in your own loop, schedule.attach(trainer) in MONAI's; give the output of the network to DASLoss; give "
    "DASSliceClassifier an aggregation that teaches, as its default does; or take DASGateSampler, which learns "
    "from the task loss"
)

ENOUGH = 50
LITTLE = 0.05  # a teacher that is nearer to even shares than this has nothing to say


class LessonCheck:
    """Warn at the first backward pass that does not reach the scores of a sampler that must be taught.

    Once a schedule has brought the budget to k, nothing is checked, because the lessons end with the widening.
    """

    def __init__(self) -> None:
        self.done: bool = False

    def watch(self, sampler: Sampler, logits: Tensor, selection: Selection) -> None:
        """Look at the backward pass of ``logits`` or of the penalty: does it reach the scores of ``selection``?"""
        learns = sampler.taught and any(each.requires_grad for each in sampler.parameters())
        over = sampler.scheduled and sampler.widening == 0.0
        # where all but the sampler is frozen, the penalty alone has a graph
        ends = [each for each in (logits, selection.penalty) if each.requires_grad]
        if self.done or over or not learns or not ends or torch.compiler.is_compiling():
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


class LessonFollow:
    """Warn at the end of the lessons of a sampler whose scores do not follow their teacher.

    The mean of about the last 50 lessons counts. They follow where they have learned a tenth of what an even choice
    misses of the teacher's shares. Nothing is said where there is little to learn, or after fewer lessons.
    """

    def __init__(self) -> None:
        self.missed: Tensor | None = None
        self.even: Tensor | None = None
        self.lessons: int = 0

    @torch.no_grad()
    def note(self, missed: Tensor, even: Tensor, whole: Tensor) -> None:
        """Remember a lesson: the divergences ``(B,)`` of scores and of an even choice, in the cases seen ``whole``."""
        self.lessons += 1
        count = whole.sum().clamp(min=1)
        now = [(each * whole).sum() / count for each in (missed, even)]
        if self.missed is None or self.even is None:
            self.missed, self.even = now[0], now[1]
            return
        part = 0.02 * whole.any()
        self.missed = self.missed + part * (now[0] - self.missed)
        self.even = self.even + part * (now[1] - self.even)

    def conclude(self, sampler: Sampler) -> None:
        """Warn, once after the last lesson, if the scores do not follow."""
        if self.missed is None or self.even is None:
            return
        missed, even = float(self.missed), float(self.even)
        self.missed = self.even = None
        if self.lessons >= ENOUGH and even > LITTLE and missed > 0.9 * even:
            warnings.warn(
                f"the scores of {type(sampler).__name__} do not follow their teacher: they miss {missed:.2f} of its "
                f"shares of slices, an even choice {even:.2f}. The choice will be about even. What tells the slices "
                "apart may not be seen in thumbnails (give a finer grid and thumbnail_size), or came too late (more "
                "epochs)",
                stacklevel=2,
            )
