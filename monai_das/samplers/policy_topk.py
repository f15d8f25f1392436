"""PolicyTopKSampler: a policy draws the subset at once and learns by reward, after OCSampler."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.gumbel import gumbel_noise
from monai_das.samplers.selection import Selection, lowest, new_selection, real_slices, without_padding
from monai_das.samplers.slice_reader import SliceScorer


class PolicyTopKSampler(Sampler):
    """Draw k slices without replacement from a policy, in one step; in ``eval()`` its k most probable ones.

    In ``train()`` the logits of the policy with Gumbel noise are ranked: that draws k slices one after the other, each
    in proportion to its probability among those left. ``Selection.log_prob`` is the exact log-probability of that
    sequence. No gradient flows through the slices or the scores: use ``monai_das.losses.DASPolicyLoss``, which rewards
    more confidence in the true class than a uniform choice gives.

    As in the source: a skim network sees all slices small, the subset is drawn at once, log-probability without
    replacement, reward over a uniform baseline, top-k sorted by time at test. Deviations: the skim network is the
    small ``SliceScorer``, not MobileNetV2-TSM; policy and classifier are trained together in one run, where the source
    trains the classifier first and freezes it (equal epochs for every method).

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection` whose scores
          are the policy's log-probabilities for a single slice; they are detached in ``train()``.

    References:
        Lin et al., *OCSampler: Compressing Videos to One Clip with Single-step Sampling*, CVPR 2022, arXiv 2203.16220;
        Kool et al., *Stochastic Beams and Where to Find Them*, ICML 2019 (noise and ranking as sampling).

    Example:
        >>> sampler = PolicyTopKSampler(num_slices=4).train()
        >>> sampler(torch.rand(2, 1, 8, 8, 28)).log_prob.shape
        torch.Size([2])
    """

    def __init__(self, num_slices: int | None = None, fraction: float | None = None) -> None:
        super().__init__(num_slices, fraction)
        self.scorer = SliceScorer()

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Draw slices in ``train()``, choose the most probable ones in ``eval()``."""
        check_thumbnails(thumbnails)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        logits = torch.log_softmax(without_padding(self.scorer(thumbnails, real), real), dim=1)
        if not self.training:
            return self.top(logits, logits, lengths)
        keys = without_padding(logits.detach() + gumbel_noise(logits), real)
        chosen = self.top(keys, logits.detach(), lengths)
        log_prob = sequence_log_prob(logits, keys, chosen.kept.sum(dim=1))
        return new_selection(chosen.weights, chosen.indices, chosen.kept, chosen.scores, log_prob=log_prob)


def sequence_log_prob(logits: Tensor, keys: Tensor, counts: Tensor) -> Tensor:
    """Return ``(B,)`` the log-probability that draws without replacement give the ``counts`` highest ``keys`` in turn.

    With i_1, i_2, ... in falling order of the keys it is ``sum over j <= k of logits[i_j] - log sum over l >= j of
    exp(logits[i_l])`` (Plackett and Luce). If ``keys`` are ``logits`` plus Gumbel noise, this is how they were drawn.

    Shape:
        - ``logits``, ``keys``: ``(B, D)``, padded slices lowest in both; ``counts``: ``(B,)`` slices drawn.
    """
    ranked = torch.gather(logits, 1, torch.argsort(keys, dim=1, descending=True)).clamp(min=lowest() / 4)
    left = torch.logcumsumexp(ranked.flip(1), dim=1).flip(1)
    drawn = torch.arange(logits.size(1), device=logits.device)[None, :] < counts[:, None]
    return torch.where(drawn, ranked - left, torch.zeros_like(ranked)).sum(dim=1)
