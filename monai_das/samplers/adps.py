"""ADPSSampler: active deep probabilistic subsampling, one slice after the other."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.dps import at_slices, check_grid
from monai_das.samplers.gumbel import gumbel_noise, straight_through
from monai_das.samplers.selection import (
    Selection,
    lowest,
    new_selection,
    one_hot_rows,
    real_slices,
    slice_mask,
    without_padding,
)
from monai_das.samplers.slice_reader import SliceReader, decision_layers, seen_features


class ADPSSampler(Sampler):
    """Choose slices one after the other, each by what the slices chosen before it show.

    A recurrent network reads the mean feature of the slices taken so far and gives a logit per position; slices
    already taken are masked; the highest logit, in ``train()`` with Gumbel noise, is the next slice, with the
    straight-through gradient of that step's softmax. The first slice is the same for all cases. Thumbnails are
    encoded in one batch, but the decision at a step uses nothing of a slice that has not been taken.

    As in the source: LSTM of 128, decision layers 128-256-logits with LeakyReLU 0.2 and dropout 0.3, temperature 2,
    noise in training only, one learning rate. Deviations: one slice encoder and one decision network serve all steps
    (the source has separate ones for each step, at the price of k backbones); the running mean of features of chosen
    slices stands for the encoded zero-filled signal; logits live on a grid as in :class:`DPSSampler`; taken slices are
    masked by the lowest number, not by -1000; the classifier sees the final choice only (the source's loss is over the
    predictions after every step); chosen slices are sorted and gathered.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`. The k steps are a Python loop: with ``fraction``,
            ``torch.export`` and ONNX need a fixed D, TorchScript does not.
        depth: grid points of the logits, best the usual number of slices of the data.
        temperature: of the softmax of each step.
        hidden: width of slice features and LSTM.
        dropout: in the decision network.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection` whose scores
          are log-probabilities (without noise) at the step that took the slice, or at the last step if none did; they
          are comparable within a step only.

    Raises:
        ValueError: ``depth`` is below 1 or ``temperature`` is not positive.

    References:
        van Gorp, Huijben, Veeling, Pezzotti, van Sloun, *Active deep probabilistic subsampling*, ICML 2021.

    Example:
        >>> ADPSSampler(num_slices=4, depth=28).eval()(torch.rand(2, 1, 8, 8, 28)).indices.shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        depth: int = 32,
        temperature: float = 2.0,
        hidden: int = 128,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(num_slices, fraction)
        check_grid(depth, temperature)
        self.temperature: float = temperature
        self.reader = SliceReader(hidden)
        self.memory = nn.LSTMCell(hidden, hidden)
        self.decide = decision_layers(hidden, depth, dropout)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose slices step by step."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        rows, counts = self.budget(real, depth)
        features = self.reader(thumbnails, real)
        seen = torch.zeros_like(features[:, 0])
        state = (torch.zeros_like(seen), torch.zeros_like(seen))
        free = slice_mask(real, depth)
        scores = torch.zeros_like(features[:, :, 0])
        taken = torch.ones_like(real[:, None], dtype=torch.bool)
        picks = []
        rows_soft = []
        for step in range(rows):
            state = self.memory(seen / max(1, step), state)
            logits = at_slices(self.decide(state[0]).float(), real, depth).masked_fill(~free, lowest() / 2)
            pick, soft = self.draw(without_padding(logits, real))
            scores = torch.where(free & (counts > step)[:, None], torch.log_softmax(logits, dim=1), scores)
            free = free.scatter(1, pick, torch.zeros_like(pick, dtype=torch.bool))
            seen = seen + seen_features(features, one_hot_rows(pick, taken, depth), soft[:, None, :], self.training)
            picks.append(pick)
            rows_soft.append(soft)
        kept = slice_mask(counts, rows)
        beyond, order = torch.sort(torch.cat(picks, dim=1).masked_fill(~kept, depth), dim=1)
        indices = torch.minimum(beyond, real[:, None] - 1)
        weights = one_hot_rows(indices, kept, depth)
        if self.training:
            sorted_soft = torch.gather(torch.stack(rows_soft, dim=1), 1, order[:, :, None].expand(-1, -1, depth))
            weights = straight_through(weights, sorted_soft * kept[:, :, None])
        return new_selection(weights, indices, kept, without_padding(scores, real))

    def draw(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the slice that one step takes, ``(B, 1)``, and its soft row ``(B, D)``, of logits ``(B, D)``."""
        keys = logits + gumbel_noise(logits) if self.training else logits
        soft = torch.softmax((keys / self.temperature).clamp(min=lowest()), dim=1)
        return keys.argmax(dim=1, keepdim=True), soft
