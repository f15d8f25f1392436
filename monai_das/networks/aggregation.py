"""From the features of the kept slices to one vector per case."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_das.samplers import Selection
from monai_das.samplers.selection import lowest
from monai_das.samplers.slice_context import gated_attention


def softmax_of_kept(logits: Tensor, kept: Tensor) -> Tensor:
    """Return weights ``(B, k)`` float32 that sum to 1 over the kept rows; the others get 0."""
    return torch.softmax(logits.float().masked_fill(~kept, lowest()), dim=1)


def kept_scores(selection: Selection) -> Tensor:
    """Return the sampler's score of the slice in each row, ``(B, k)`` float32; only kept rows mean something."""
    return torch.gather(selection.scores.float(), 1, selection.indices)


def weighted_sum(features: Tensor, weights: Tensor) -> Tensor:
    """Return ``(B, F)`` float32, the sum of ``features`` ``(B, k, F)`` times ``weights`` ``(B, k)``."""
    return (features.float() * weights[:, :, None]).sum(dim=1)


class DASAggregation(nn.Module):
    """Abstract: one feature vector per case from the features of its slices.

    Rows that are not kept never count. All sums and softmaxes are in float32, also under autocast.

    Shape:
        - ``features``: ``(B, k, F)``, one row for each row of the selection.
        - ``selection``: the :class:`~monai_das.samplers.Selection` they belong to.
        - returns ``(B, F)`` float32.
    """

    def forward(self, features: Tensor, selection: Selection) -> Tensor:
        """Aggregate; abstract."""
        raise NotImplementedError("a DASAggregation implements forward(features, selection) -> (B, F)")


class DASMeanAggregation(DASAggregation):
    """The mean of the kept slices' features."""

    def forward(self, features: Tensor, selection: Selection) -> Tensor:
        """Return the mean over kept rows, ``(B, F)``."""
        kept = selection.kept.float()
        return weighted_sum(features, kept / kept.sum(dim=1, keepdim=True).clamp(min=1.0))


class DASMaxAggregation(DASAggregation):
    """The highest value of each feature among the kept slices."""

    def forward(self, features: Tensor, selection: Selection) -> Tensor:
        """Return the maximum over kept rows, ``(B, F)``."""
        return features.float().masked_fill(~selection.kept[:, :, None], lowest()).amax(dim=1)


class DASAttentionAggregation(DASAggregation):
    """Gated attention over the kept slices: weights from their features, blind to the sampler's scores.

    The logit of a slice with features h is ``w . (tanh(V h) * sigmoid(U h))``; its weight is the softmax over kept
    rows.

    Args:
        num_features: F, width of the features.
        hidden: width of the attention.

    References:
        Ilse et al., *Attention-based Deep Multiple Instance Learning*, ICML 2018, arXiv 1802.04712, equation 9.
    """

    def __init__(self, num_features: int, hidden: int = 128) -> None:
        super().__init__()
        self.value = nn.Linear(num_features, hidden)
        self.gate = nn.Linear(num_features, hidden)
        self.weight = nn.Linear(hidden, 1)

    def logits(self, features: Tensor) -> Tensor:
        """Return the attention logits ``(B, k)`` of ``features`` ``(B, k, F)``."""
        return gated_attention(self.value(features), self.gate(features), self.weight.weight, self.weight.bias)

    def forward(self, features: Tensor, selection: Selection) -> Tensor:
        """Return the attention-weighted sum, ``(B, F)``."""
        return weighted_sum(features, softmax_of_kept(self.logits(features), selection.kept))


class DASGatedAggregation(DASAggregation):
    """Weights from the sampler's scores: their softmax over the kept slices.

    With it ``DASGateSampler`` learns from the task: the loss reaches the scores with an exact gradient of low variance.
    Where evidence is hidden, this gradient spoils the choice (docs/results.md). The scores must be logits of the order
    of 1, as learned samplers give. For scores in other units (a variance in HU squared) the softmax is one-hot: use
    :class:`DASAttentionAggregation` there.

    Args:
        attention: adds the logits of this attention to the scores.
    """

    def __init__(self, attention: DASAttentionAggregation | None = None) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, features: Tensor, selection: Selection) -> Tensor:
        """Return the sum weighted by the softmax of the scores, ``(B, F)``."""
        logits = kept_scores(selection)
        if self.attention is not None:
            logits = logits + self.attention.logits(features).float()
        return weighted_sum(features, softmax_of_kept(logits, selection.kept))
