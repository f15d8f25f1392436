"""The linear head of a network that learns to answer from few slices as it does from all."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class DASTaughtHead(nn.Linear):
    """A linear layer that learns from the view of all slices, and a correction that learns from the chosen ones alone.

    ``forward`` gives the sum of both, which answers from chosen slices. The view of few slices must not change what the
    view of all has learned, as that teaches the sampler: a network whose views share one head forgets its evidence
    where the number of telling slices counts (docs/method.md).

    Shape:
        - ``pooled``: ``(B, in_features)``; returns ``(B, out_features)``.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features)
        self.correction = nn.Linear(in_features, out_features)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """Return the logits of chosen slices."""
        correction: Tensor = self.correction(pooled)
        return functional.linear(pooled, self.weight, self.bias) + correction

    def of_all(self, pooled: Tensor) -> Tensor:
        """Return the logits of all slices."""
        return functional.linear(pooled, self.weight, self.bias)

    def of_few(self, pooled: Tensor) -> Tensor:
        """Return the logits of chosen slices, for a loss of which only the correction learns."""
        answer: Tensor = functional.linear(pooled, self.weight.detach(), self.bias.detach()) + self.correction(pooled)
        return answer
