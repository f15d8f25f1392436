"""Attention that knows with which probability a slice was taken, and teaches a sampler from the view of all slices."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_das.networks.aggregation import DASAttentionAggregation, kept_scores, softmax_of_kept, weighted_sum
from monai_das.samplers import Sampler, Selection
from monai_das.samplers.selection import lowest, slice_mask
from monai_das.samplers.slice_context import gated_attention


class DASDesignAggregation(DASAttentionAggregation):
    """Gated attention over slices that a sampling design took, weighted by ``pi ** -design``.

    The attention logits of slices with the inclusion probabilities pi become ``logit - design * log(pi)``. With
    ``design`` 1 sums over the k chosen slices estimate those over all D (Horvitz and Thompson), so that a network
    counts how much evidence there is among how many slices; with 0 the chosen slices count as they are, with less
    variance. ``design`` is learned. Where all slices are seen, pi is 1.

    It teaches a sampler that must be taught, such as :class:`~monai_das.samplers.DASSampler`. In ``train()``
    :class:`DASSliceClassifier` then looks at every slice, and answers twice: from the chosen slices and from all
    (``Selection.whole``). Of the first answer only ``design``, the backbone and the correction of the head
    (:class:`DASTaughtHead`) learn, so that few slices do not spoil what teaches. The penalty of its selection gets
    ``distillation_weight * KL(shares || softmax of the scores)``, see :meth:`shares`, and half of the divergence of the
    first answer from the second.

    Args:
        num_features: F, width of the features.
        hidden: width of the attention.
        distillation_weight: weight of what it teaches a sampler; 0 teaches nothing.

    Raises:
        ValueError: ``distillation_weight`` is negative.

    References:
        Horvitz, Thompson, *A Generalization of Sampling Without Replacement From a Finite Universe*, JASA 1952;
        Hinton et al., *Distilling the Knowledge in a Neural Network*, 2015, arXiv 1503.02531.
    """

    def __init__(self, num_features: int, hidden: int = 128, distillation_weight: float = 10.0) -> None:
        super().__init__(num_features, hidden)
        if distillation_weight < 0.0:
            raise ValueError(f"distillation_weight must not be negative, got {distillation_weight}")
        self.distillation_weight: float = distillation_weight
        self.design = nn.Parameter(torch.tensor(0.5))

    def weights(self, features: Tensor, selection: Selection, settled: bool = False) -> Tensor:
        """Return the weights ``(B, k)`` float32 of the kept slices; they sum to 1.

        ``settled``: only ``design`` and the features get a gradient, the attention does not.
        """
        inclusion = torch.gather(selection.inclusion.float(), 1, selection.indices)
        known = torch.log(inclusion.clamp(min=1e-6)) * (inclusion > 0.0)
        logits = self.settled_logits(features) if settled else self.logits(features)
        return softmax_of_kept(logits.float() - self.design.float() * known, selection.kept)

    def settled_logits(self, features: Tensor) -> Tensor:
        """Return the attention logits ``(B, k)``, of which the attention does not learn."""
        value = nn.functional.linear(features, self.value.weight.detach(), self.value.bias.detach())
        gate = nn.functional.linear(features, self.gate.weight.detach(), self.gate.bias.detach())
        return gated_attention(value, gate, self.weight.weight.detach(), self.weight.bias.detach())

    def forward(self, features: Tensor, selection: Selection) -> Tensor:
        """Return the weighted sum, ``(B, F)``."""
        return weighted_sum(features, self.weights(features, selection))

    @torch.jit.unused
    def teaches(self, sampler: Sampler, used: Selection) -> bool:
        """Tell whether it teaches ``sampler``; a choice ``used`` that is settled it leaves alone."""
        return sampler.taught and self.distillation_weight > 0.0 and used.scores.requires_grad

    @torch.jit.unused
    def shares(self, features: Tensor, selection: Selection, head: Tensor) -> Tensor:
        """Return the share of each kept slice in the answer, ``(B, k)`` float32, without a graph; they sum to 1.

        A slice with the weight a and the features h moves the logits of the linear ``head`` ``(num_classes, F)`` by
        ``a * head (h - mean)`` where it takes the place of an average slice of the case, exactly. Its share is the
        length of that, less what all logits have in common, among the lengths of all slices.
        """
        with torch.no_grad():
            kept = selection.kept
            even = kept.float() / kept.sum(dim=1, keepdim=True)
            moves = nn.functional.linear(features.float() - weighted_sum(features, even)[:, None], head.float())
            if moves.size(2) > 1:
                moves = moves - moves.mean(dim=2, keepdim=True)
            lengths = self.weights(features, selection) * moves.norm(dim=2)
            total = lengths.sum(dim=1, keepdim=True)
            return torch.where(total > 0.0, lengths / total.clamp(min=1e-30), even)

    @torch.jit.unused
    def shares_lesson(self, features: Tensor, selection: Selection, head: Tensor) -> Tensor:
        """Return ``(B,)``, how far the softmax of the kept scores is from :meth:`shares`; the scores alone learn."""
        scores = kept_scores(selection).masked_fill(~selection.kept, lowest())
        return divergence(self.shares(features, selection, head), torch.log_softmax(scores, dim=1))


def divergence(wanted: Tensor, logs: Tensor) -> Tensor:
    """Return ``KL(wanted || exp(logs))`` ``(B,)`` of probabilities and logarithms of probabilities ``(B, k)``."""
    missed = torch.log(wanted.clamp(min=1e-12)) - logs
    return (wanted * missed.masked_fill(wanted == 0.0, 0.0)).sum(dim=1)


def every_slice(selection: Selection) -> Selection:
    """Return the selection that keeps every real slice of each case, with the scores of ``selection``."""
    depth = selection.scores.size(1)
    real = (selection.scores > 0.5 * lowest()).sum(dim=1)
    kept = slice_mask(real, depth)
    indices = torch.minimum(torch.arange(depth, device=real.device)[None, :], real[:, None] - 1)
    weights = torch.diag_embed(kept.float())
    return selection._replace(weights=weights, indices=indices, kept=kept, inclusion=kept.float())
