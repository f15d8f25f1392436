"""Keep the weights of the best validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_das._atomic import atomic_path


class DASKeepBest:
    """Write the weights of ``network`` after every validation whose key metric is higher than all before.

    MONAI's ``CheckpointSaver`` removes the file and then writes it in place, so that a run killed meanwhile leaves none
    or half of one; and a resumed run forgets how good the best was. Here the file is replaced whole, and the best value
    is a state to be saved in the points to resume from.

    Args:
        network: the weights are its ``state_dict``.
        path: the file; None keeps no weights, for processes that do not write.

    Example:
        >>> import tempfile
        >>> evaluator = Engine(lambda engine, batch: None)
        >>> evaluator.state.key_metric_name, evaluator.state.metrics = "val_auc", {"val_auc": 0.8}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     best = DASKeepBest(nn.Linear(2, 2), f"{folder}/model_best.pt")
        ...     best(evaluator)
        ...     best.state_dict(), sorted(torch.load(f"{folder}/model_best.pt"))
        ({'value': 0.8}, ['bias', 'weight'])
    """

    def __init__(self, network: nn.Module, path: str | None) -> None:
        self.network = network
        self.path = None if path is None else Path(path)
        self.value: float | None = None

    def attach(self, evaluator: Engine) -> None:
        """Look at the key metric at the end of every validation."""
        evaluator.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, evaluator: Engine) -> None:
        """Write the weights if the key metric is a number and the highest so far."""
        state: Any = evaluator.state
        value = float(state.metrics[state.key_metric_name])
        if value <= (float("-inf") if self.value is None else self.value) or value != value:
            return
        if self.path is not None:
            with atomic_path(self.path) as part:
                torch.save(self.network.state_dict(), part)
        self.value = value

    def state_dict(self) -> dict[str, float | None]:
        """Return the highest value so far."""
        return {"value": self.value}

    def load_state_dict(self, state: dict[str, float | None]) -> None:
        """Go on from the highest value of an earlier run."""
        self.value = state["value"]
