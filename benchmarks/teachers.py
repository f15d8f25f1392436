"""Other teachers of DASSampler, for the ablations: plain attention, smooth attention, attention with masked slices."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_das.networks import DASAttentionAggregation
from monai_das.networks.aggregation import divergence, kept_scores, softmax_of_kept
from monai_das.samplers import Selection
from monai_das.samplers.base import check_choice
from monai_das.samplers.selection import lowest

KINDS = ("attention", "smooth", "masked")
SMOOTHNESS = 1.0  # weight of the squared differences between neighbours
MASKED, CHANCE = 3, 0.6  # so many slices of the highest attention are each left out with this chance


class DASTeacher(DASAttentionAggregation):
    """``DASAttentionAggregation`` that teaches its attention, not how much each slice moves the answer.

    Args:
        num_features, hidden, distillation_weight: as there.
        kind: ``"attention"`` teaches it as it is. ``"smooth"`` also asks neighbouring slices for like attention.
            ``"masked"`` leaves out, in ``train()``, some of the slices of the highest attention, so that it finds
            others.

    Raises:
        ValueError: the kind is unknown.

    References:
        Wu et al., *Smooth attention for deep multiple instance learning*, MICCAI 2023; Zhang et al., *Attention-
        challenging multiple instance learning for whole slide image classification*, ECCV 2024.
    """

    def __init__(
        self, num_features: int, hidden: int = 128, distillation_weight: float = 1.0, kind: str = "attention"
    ) -> None:
        super().__init__(num_features, hidden, distillation_weight)
        check_choice("kind", kind, KINDS)
        self.kind: str = kind

    def weights(self, features: Tensor, selection: Selection) -> Tensor:
        """Return the weights ``(B, k)`` float32 of the kept slices."""
        logits = self.logits(features).float().masked_fill(~selection.kept, lowest())
        if self.kind == "masked" and self.training:
            rows = min(MASKED, logits.size(1) - 1)
            highest = torch.zeros_like(selection.kept).scatter(1, logits.topk(rows, dim=1).indices, value=True)
            # one kept slice is always left
            many = selection.kept.sum(dim=1, keepdim=True) > rows
            logits = logits.masked_fill(highest & many & (torch.rand_like(logits) < CHANCE), lowest())
        return softmax_of_kept(logits, selection.kept)

    def lesson(self, features: Tensor, selection: Selection, head: Tensor) -> tuple[Tensor, Tensor]:
        """Return how far the softmax of the kept scores, and even shares, are from the attention, ``(B,)`` each."""
        scores, kept = kept_scores(selection), selection.kept
        attention = softmax_of_kept(self.logits(features), kept)
        taught = attention.detach()
        missed = divergence(taught, scores, kept)
        if self.kind == "smooth":
            steps = (attention[:, 1:] - attention[:, :-1]).square() * kept[:, 1:]
            missed = missed + SMOOTHNESS * steps.sum(dim=1)
        return missed, divergence(taught, torch.zeros_like(scores), kept)
