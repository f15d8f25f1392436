"""Take the pair of logits and selection apart, once a trainer's loss is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ignite.engine import Engine
from monai.engines.utils import IterationEvents
from monai.utils.enums import CommonKeys

from monai_das.samplers.selection import detached


class DASSplitOutput:
    """After the loss of every iteration: ``output["pred"]`` is the logits, ``output["selection"]`` the selection.

    A network in ``train()`` returns the pair, and so MONAI's ``SupervisedTrainer`` hands it to the loss. Metrics,
    postprocessing and pictures want them apart. The selection is a dictionary of its fields without their graph, so
    that ``decollate_batch`` keeps the names: each case has ``case["selection"]["indices"]``.

    Example:
        ``{"_target_": "SupervisedTrainer", "train_handlers": [{"_target_": "monai_das.handlers.DASSplitOutput"}]}``
    """

    def attach(self, engine: Engine) -> None:
        """Split after every loss of the training ``engine``."""
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Split the output of the engine's present iteration; logits alone stay as they are."""
        output: Any = engine.state.output
        pair = output[CommonKeys.PRED]
        if isinstance(pair, Sequence):
            output[CommonKeys.PRED] = pair[0]
            output["selection"] = detached(pair[1])._asdict()
