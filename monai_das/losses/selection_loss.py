"""The task loss plus the penalty that a sampler puts on its own selection."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class DASLoss(nn.Module):
    """Return ``loss(pred, target) + penalty_weight * mean(selection.penalty)``.

    MONAI's trainer shows a loss only predictions and targets, so this one holds the network and reads the selection
    of its last forward pass. The network is held by reference, not as a submodule: the loss has no parameters of its
    own and its ``state_dict`` is that of the task loss. Outside training, and for samplers without a penalty, the
    result is the task loss alone.

    Args:
        network: a network with the attribute ``selection`` (the last training selection), or its
            ``DistributedDataParallel`` wrapper.
        loss: the task loss, ``(pred (B, K), target) -> scalar``; cross entropy by default.
        penalty_weight: factor on the mean penalty.

    Shape:
        - ``pred``: ``(B, K)`` logits; ``target``: what ``loss`` takes, ``(B,)`` int64 for cross entropy.
        - returns a scalar.

    Raises:
        ValueError: the network has no attribute ``selection``.
    """

    def __init__(self, network: nn.Module, loss: nn.Module | None = None, penalty_weight: float = 1.0) -> None:
        super().__init__()
        inner = unwrapped(network)
        if not hasattr(inner, "selection"):
            raise ValueError(
                f"network must have the attribute selection, got {type(inner).__name__}; use DASSliceClassifier or "
                "DASVolumeClassifier, or the task loss alone"
            )
        self._held = (inner,)
        self.loss: nn.Module = nn.CrossEntropyLoss() if loss is None else loss
        self.penalty_weight = penalty_weight

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return the task loss, and in training the weighted penalty on top."""
        total: Tensor = self.loss(pred, target)
        network = self._held[0]
        selection: Any = network.selection
        if network.training and selection is not None and selection.penalty is not None:
            total = total + self.penalty_weight * selection.penalty.float().mean()
        return total


def unwrapped(network: nn.Module) -> nn.Module:
    """Return the network inside a ``DistributedDataParallel`` wrapper, or the network itself."""
    inner = network.module if isinstance(network, nn.parallel.DistributedDataParallel) else network
    return inner
