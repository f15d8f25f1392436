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


def shares_in_answer(weights: Tensor, features: Tensor, head: Tensor, kept: Tensor) -> Tensor:
    """Return how much each slice moves the answer, as shares ``(B, k)`` of a case: 0 in rows that are not kept.

    The answer is linear in the weighted mean of the features. Without slice i and its weight a, the logits move by
    ``a / (1 - a) * head @ (mean - features of i)``; the share is the length of that, less what all logits have in
    common, over the sum of all lengths.

    Args:
        weights: ``(B, k)``, each case's sum to 1.
        features: ``(B, k, F)``.
        head: ``(num_classes, F)``, the weight of the linear layer that makes the logits.
        kept: ``(B, k)`` bool.
    """
    moves = torch.matmul(weighted_sum(features, weights)[:, None] - features.float(), head.float().t())
    if head.size(0) > 1:
        moves = moves - moves.mean(dim=2, keepdim=True)
    lengths = weights / (1.0 - weights).clamp(min=1e-4) * moves.norm(dim=2) * kept
    shares: Tensor = lengths / lengths.sum(dim=1, keepdim=True).clamp(min=1e-12)
    return shares


def divergence(shares: Tensor, scores: Tensor, kept: Tensor) -> Tensor:
    """Return ``(B,)``, the Kullback-Leibler divergence of the softmax of the kept ``scores`` from ``shares``."""
    learned = torch.log_softmax(scores.float().masked_fill(~kept, lowest()), dim=1)
    missed = torch.log(shares.clamp(min=1e-12)) - learned
    return (shares * missed.masked_fill(~kept, 0.0)).sum(dim=1)


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

    With a ``distillation_weight`` it teaches the sampler. In a case of which it sees all slices, it sees the backbone's
    features of each, the sampler only thumbnails; :class:`DASSliceClassifier` adds to the penalty of its selection
    ``distillation_weight * KL(shares || softmax of the scores)``, where the shares say how much each slice moves the
    answer (``shares_in_answer``), without a gradient to them.

    Args:
        num_features: F, width of the features.
        hidden: width of the attention.
        distillation_weight: weight of what it teaches a sampler; 0 teaches nothing.

    Raises:
        ValueError: ``distillation_weight`` is negative.

    References:
        Ilse et al., *Attention-based Deep Multiple Instance Learning*, ICML 2018, arXiv 1802.04712, equation 9;
        Hinton et al., *Distilling the Knowledge in a Neural Network*, 2015, arXiv 1503.02531.
    """

    def __init__(self, num_features: int, hidden: int = 128, distillation_weight: float = 0.0) -> None:
        super().__init__()
        if distillation_weight < 0.0:
            raise ValueError(f"distillation_weight must not be negative, got {distillation_weight}")
        self.distillation_weight: float = distillation_weight
        self.value = nn.Linear(num_features, hidden)
        self.gate = nn.Linear(num_features, hidden)
        self.weight = nn.Linear(hidden, 1)

    def logits(self, features: Tensor) -> Tensor:
        """Return the attention logits ``(B, k)`` of ``features`` ``(B, k, F)``."""
        return gated_attention(self.value(features), self.gate(features), self.weight.weight, self.weight.bias)

    def weights(self, features: Tensor, selection: Selection) -> Tensor:
        """Return the weights ``(B, k)`` float32 of the kept slices."""
        return softmax_of_kept(self.logits(features), selection.kept)

    def forward(self, features: Tensor, selection: Selection) -> Tensor:
        """Return the attention-weighted sum, ``(B, F)``."""
        return weighted_sum(features, self.weights(features, selection))

    def lesson(self, features: Tensor, selection: Selection, head: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``(B,)`` each: how far the softmax of the kept scores, and even shares, are from those in the answer.

        Both are Kullback-Leibler divergences; the second says how much there is to learn. ``head`` ``(num_classes, F)``
        makes the answer. Only the scores get a gradient. Padded rows do not count.
        """
        with torch.no_grad():
            shares = shares_in_answer(self.weights(features, selection), features, head, selection.kept)
        scores = kept_scores(selection)
        even = divergence(shares, torch.zeros_like(scores), selection.kept)
        return divergence(shares, scores, selection.kept), even


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
