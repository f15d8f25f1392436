"""DASGateSampler: the scores of DASSampler, learned through the weight that they have in the network."""

from __future__ import annotations

from typing import Optional

from torch import Tensor, nn

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.das_parts import (
    KNOWN,
    WIDTH,
    SliceEncoder,
    bounded,
    case_temperature,
    eligible_first,
    mean_square,
    score_head,
    slice_tokens,
    zero_linear,
)
from monai_das.samplers.gumbel import gumbel_noise
from monai_das.samplers.selection import (
    Selection,
    new_selection,
    one_hot_rows,
    real_slices,
    select_top,
    without_padding,
)
from monai_das.samplers.slice_context import SliceAttention


class DASGateSampler(Sampler):
    """Choose k distinct slices as :class:`DASSampler` does, and learn the scores from the task loss alone.

    For an aggregation or a network that weighs the kept slices by their scores: ``DASGatedAggregation`` or
    ``DASVolumeClassifier``. The task loss then reaches the scores through these weights, and nothing else has to teach
    them. Two things differ from :class:`DASSampler`. Gumbel noise in ``train()`` lets slices of a lower score be seen.
    And the wider the budget, the weaker the prior: with all slices kept, a misleading prior would only hide the
    evidence from the classifier.

    Where evidence is hidden in few slices, this gradient spoils the choice (docs/results.md): use :class:`DASSampler`.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.
        variance: ``"within"`` slices or ``"between"`` neighbouring ones (clips), see :class:`SliceFeatures`.
        noise: scale of the Gumbel noise on the scores in ``train()``; 0 is none.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection`.

    Raises:
        ValueError: ``variance`` is neither of the two.

    Example:
        >>> import torch
        >>> DASGateSampler(num_slices=4).eval()(torch.rand(2, 1, 64, 64, 32)).indices.shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        variance: str = "within",
        noise: float = 0.3,
    ) -> None:
        super().__init__(num_slices, fraction)
        # what DASSampler has by default
        self.bound: float = 4.0
        self.floor: float = 0.01
        self.residual_penalty: float = 0.001
        self.noise: float = noise
        self.encoder = SliceEncoder(variance, floor=self.floor)
        self.token = nn.Linear(KNOWN, WIDTH)
        self.attention = SliceAttention(WIDTH, 4)
        self.head = score_head(4)
        self.heat = zero_linear(3, 1)

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose slices: the highest scores, in ``train()`` with Gumbel noise and a prior that comes in slowly."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        looks = self.encoder(thumbnails, real)
        tokens = self.attention(self.token(slice_tokens(looks)), looks.mask)
        residual = bounded(self.head(tokens), self.bound)
        prior = looks.logs[:, 0] * (1.0 - self.widening if self.training else 1.0)
        mean_logs = (looks.logs * looks.weight[:, None, :]).sum(dim=2)
        scores = (prior + residual) / case_temperature(self.heat(mean_logs))
        keys = scores
        if self.training and self.noise > 0.0:
            keys = scores + self.noise * gumbel_noise(scores)
        rows, counts = self.budget(real, depth)
        indices, kept = select_top(eligible_first(keys, looks.share, self.floor), counts, rows, real)
        penalty = self.residual_penalty * mean_square(residual, looks)
        weights = one_hot_rows(indices, kept, depth)
        return new_selection(weights, indices, kept, without_padding(scores, real), penalty=penalty)
