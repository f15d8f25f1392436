"""PGADPSSampler: a learned prior choice for all cases, then groups of slices by what has been seen."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.dps import DPSSampler, at_slices, check_grid
from monai_das.samplers.gumbel import gumbel_noise, straight_through, top_k_soft_rows
from monai_das.samplers.selection import (
    Selection,
    lowest,
    new_selection,
    one_hot_rows,
    real_slices,
    select_top,
    slice_mask,
    without_padding,
)
from monai_das.samplers.slice_reader import SliceReader, decision_layers, seen_features


class PGADPSSampler(Sampler):
    """Take part of the budget at learned positions, the rest in groups chosen by what the slices so far show.

    Step 0 is :class:`DPSSampler` for ``prior_share`` of the budget, the same positions for every case. Each later step
    reads the mean feature of all slices taken so far and takes a group, ``group_share`` of the budget, at once, as
    :class:`ADPSSampler` takes single slices: with ``group_share = 1 / k`` and no prior it is that method.

    As in the source: prior, then groups by top-k per step, temperature 2, noise in training only, LSTM of 128, dropout
    of 0.3 in the decision network, prior logits at 10 times the base rate. Deviations: those of :class:`ADPSSampler`
    (one reader and one decision network for all steps, running mean of features, logits on a grid, sorted and gathered
    slices, loss on the final choice only); shares are of the budget and rounded half up per case, so that groups of a
    small budget differ by one slice, and may be empty.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.
        prior_share: of the budget that step 0 takes, in [0, 1]; the source reports 0.1 to 0.8, by data set.
        group_share: of the budget that each later step takes, in (0, 1]; the source reports 0.2 and 0.3.
        depth: grid points of the logits, best the usual number of slices of the data.
        temperature: of the softmaxes.
        hidden: width of slice features and LSTM.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection` whose scores
          are log-probabilities (without noise) at the step that took the slice, or at the last step if none did.

    Raises:
        ValueError: a share is out of range, ``depth`` is below 1 or ``temperature`` is not positive.

    References:
        Kang and Seo, *PGA-DPS: prior-guided group-active deep probabilistic subsampling*, ICLR 2026.

    Example:
        >>> PGADPSSampler(num_slices=4, depth=28).eval()(torch.rand(2, 1, 8, 8, 28)).indices.shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        prior_share: float = 0.6,
        group_share: float = 0.2,
        depth: int = 32,
        temperature: float = 2.0,
        hidden: int = 128,
    ) -> None:
        super().__init__(num_slices, fraction)
        check_grid(depth, temperature)
        if not 0.0 <= prior_share <= 1.0 or not 0.0 < group_share <= 1.0:
            raise ValueError(
                f"prior_share must be in [0, 1] and group_share in (0, 1], got {prior_share=} and {group_share=}"
            )
        self.temperature: float = temperature
        groups = round((1.0 - prior_share) / group_share + 0.499)
        # thousandths of the budget that are taken once a step is done; whole numbers, which export can follow
        ends = [round(1000 * min(1.0, prior_share + group_share * step)) for step in range(groups + 1)]
        self.ends = [*ends[:-1], 1000]
        self.prior = DPSSampler(num_slices=1, depth=depth)
        self.reader = SliceReader(hidden)
        self.memory = nn.LSTMCell(hidden, hidden)
        self.decide = decision_layers(hidden, depth, 0.3)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose the prior slices, then group after group."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        rows, counts = self.budget(real, depth)
        features = self.reader(thumbnails, real)
        seen = torch.zeros_like(features[:, 0])
        state = (torch.zeros_like(seen), torch.zeros_like(seen))
        grid = self.prior.logits.float()[None, :].expand(real.size(0), -1)
        free = slice_mask(real, depth)
        done = torch.zeros_like(counts)
        scores = torch.zeros_like(features[:, :, 0])
        taken = scores
        soft_of = torch.zeros(real.size(0), depth if self.training else 0, depth, device=scores.device)
        for step, end in enumerate(self.ends):
            if step > 0:
                state = self.memory(seen / done.clamp(min=1)[:, None], state)
                grid = self.decide(state[0]).float()
            logits = at_slices(grid, real, depth).masked_fill(~free, lowest() / 2)
            scores = torch.where(free, torch.log_softmax(without_padding(logits, real), dim=1), scores)
            target = (2 * end * counts + 1000) // 2000
            hard, soft = self.group(logits, target - done, rows, real)
            seen = seen + seen_features(features, hard, soft, self.training)
            if self.training:
                soft_of = soft_of + torch.bmm(hard.transpose(1, 2), soft)
            taken = taken + hard.sum(dim=1)
            free = free & (taken < 0.5)
            done = target
        indices, kept = select_top(taken, counts, rows, real)
        weights = one_hot_rows(indices, kept, depth)
        if self.training:
            soft_rows = torch.gather(soft_of, 1, indices[:, :, None].expand(-1, -1, depth))
            weights = straight_through(weights, soft_rows * kept[:, :, None])
        return new_selection(weights, indices, kept, without_padding(scores, real))

    def group(self, logits: Tensor, counts: Tensor, rows: int, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return hard and soft rows ``(B, k, D)`` of the ``counts`` ``(B,)`` highest of ``logits`` ``(B, D)``."""
        keys = logits + gumbel_noise(logits) if self.training else logits
        indices, kept = select_top(keys, counts, rows, lengths)
        hard = one_hot_rows(indices, kept, logits.size(1))
        if not self.training:
            return hard, hard
        return hard, top_k_soft_rows(keys, indices, lengths, self.temperature) * kept[:, :, None]
