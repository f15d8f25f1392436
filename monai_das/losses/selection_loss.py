"""The task loss plus the penalty that a sampler puts on its own selection."""

from __future__ import annotations

from typing import Union

from torch import Tensor, nn

from monai_das.networks import DASOutput, DASPolicyOutput
from monai_das.samplers import Selection

# what a network returns: the pair in train(), logits in eval()
Output = Union[DASOutput, DASPolicyOutput, tuple[Tensor, Selection], Tensor]


class DASLoss(nn.Module):
    """Return ``loss(logits, target) + penalty_weight * mean(selection.penalty)``.

    It takes what the network returned, and holds nothing. It therefore adds up as plain losses do over several forward
    passes, passes in ``eval()`` in between, gradient accumulation and ``DistributedDataParallel``. For logits alone, as
    a network returns them in ``eval()``, it is the task loss. For a network that also answers from all slices
    (``Selection.whole``) it is the task loss of that answer, plus half of that of the
    answer from few slices, plus the penalty, which has half of the divergence of the second from the first.

    Args:
        loss: the task loss, ``(logits (B, K), target) -> scalar``; cross entropy by default.
        penalty_weight: factor on the mean penalty.

    Shape:
        - ``output``: the pair (logits ``(B, K)``, :class:`~monai_das.samplers.Selection`), or logits.
        - ``target``: what ``loss`` takes, ``(B,)`` int64 for cross entropy.
        - returns a scalar.

    Raises:
        TypeError: ``loss`` is a network, as in earlier versions.

    Example:
        >>> import torch
        >>> from monai_das.networks import DASMobileNetV3Small, DASSliceClassifier
        >>> from monai_das.samplers import DASUniformSampler
        >>> network = DASSliceClassifier(DASUniformSampler(num_slices=4), DASMobileNetV3Small(in_channels=1), 2)
        >>> DASLoss()(network(torch.rand(2, 1, 32, 32, 9)), torch.tensor([0, 1])).shape
        torch.Size([])
    """

    def __init__(self, loss: nn.Module | None = None, penalty_weight: float = 1.0) -> None:
        super().__init__()
        if hasattr(loss, "sampler"):
            raise TypeError(
                f"loss must be a task loss, got the network {type(loss).__name__}; a loss holds no network: build "
                "DASLoss(task_loss) and give it the network's output"
            )
        self.loss: nn.Module = nn.CrossEntropyLoss() if loss is None else loss
        self.penalty_weight = penalty_weight

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """Return the task loss, plus the weighted penalty if ``output`` is a pair."""
        if isinstance(output, Tensor):
            plain: Tensor = self.loss(output, target)
            return plain
        logits, selection = output[0], output[1]
        task: Tensor = self.loss(logits, target)
        if selection.whole.size(1) > 0:
            task = self.loss(selection.whole, target) + 0.5 * task
        return task + self.penalty_weight * selection.penalty.float().mean()
