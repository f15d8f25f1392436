"""DPSSampler: deep probabilistic subsampling, one learned choice of positions for all cases."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.gumbel import gumbel_noise, straight_through, top_k_soft_rows
from monai_das.samplers.selection import Selection, new_selection, real_slices


def at_slices(grid: Tensor, lengths: Tensor, depth: int) -> Tensor:
    """Return ``(B, depth)``: ``grid`` ``(B, G)``, values over the extent of a case, interpolated at its slices.

    Grid points and slices are the middles of equal parts of the case (of its ``lengths`` ``(B,)`` real slices), values
    are interpolated linearly and held at the ends; a case of G slices gets the grid itself.
    """
    points = grid.size(1)
    middles = torch.arange(depth, device=grid.device)[None, :] + 0.5
    place = (middles * points / lengths[:, None] - 0.5).clamp(0, points - 1)
    low = place.floor().to(torch.int64)
    share = place - low
    high = (low + 1).clamp(max=points - 1)
    return torch.gather(grid, 1, low) * (1.0 - share) + torch.gather(grid, 1, high) * share


class DPSSampler(Sampler):
    """Learn at which positions to look, the same for every case (DPS-top-k).

    One logit per position is shared by all cases; it does not look at the thumbnails. In ``train()`` each case gets
    the k highest of logits plus Gumbel noise, and the gradient of k softmaxes, each without the winners before it, by
    the straight-through estimator. In ``eval()`` the k highest logits.

    As in the source: one logit vector, one noise vector per case, k distinct choices, softmaxes at a constant
    temperature, logits learning at 10 times the base rate (``lr_multiplier``, see :func:`sampler_param_groups`).
    Deviations: the chosen slices are gathered in ascending order (the source fills the others with zeros); the logits
    live on a grid over the extent of a case, interpolated to its own number of slices (the source has fixed signals;
    equal where ``D == depth``; with more slices than that, neighbours get similar logits and are chosen together); no
    noise in ``eval()`` unless asked for (the source's first code keeps it, its second does not).

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.
        depth: grid points, best the usual number of slices of the data.
        temperature: of the softmaxes; the source uses 2.0 on images and 5.0 in its toy example, constant.
        init_std: standard deviation of the initial logits; the source's code for images divides normal numbers by 4.
        noise_at_eval: keep the Gumbel noise in ``eval()``: a fresh draw in every call.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection` whose scores
          are the logits without noise.

    Raises:
        ValueError: ``depth`` is below 1 or ``temperature`` is not positive.

    References:
        Huijben, Veeling, van Sloun, *Deep probabilistic subsampling for task-adaptive compressed sensing*, ICLR 2020.

    Example:
        >>> DPSSampler(num_slices=4, depth=28).eval()(torch.rand(2, 1, 8, 8, 28)).indices.shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        depth: int = 32,
        temperature: float = 2.0,
        init_std: float = 0.25,
        noise_at_eval: bool = False,
    ) -> None:
        super().__init__(num_slices, fraction)
        check_grid(depth, temperature)
        self.temperature: float = temperature
        self.noise_at_eval: bool = noise_at_eval
        self.lr_multiplier = 10.0
        self.logits = nn.Parameter(init_std * torch.randn(depth))

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose the positions of the highest logits, in ``train()`` with Gumbel noise."""
        check_thumbnails(thumbnails)
        depth = thumbnails.size(4)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        scores = at_slices(self.logits.float()[None, :].expand(real.size(0), -1), real, depth)
        keys = scores + gumbel_noise(scores) if self.training or self.noise_at_eval else scores
        chosen = self.top(keys, scores, lengths)
        if not self.training:
            return chosen
        soft = top_k_soft_rows(keys, chosen.indices, real, self.temperature)
        weights = straight_through(chosen.weights, soft * chosen.kept[:, :, None])
        return new_selection(weights, chosen.indices, chosen.kept, chosen.scores)


def check_grid(depth: int, temperature: float) -> None:
    """Raise ``ValueError`` unless there is a grid point and the temperature is positive."""
    if depth < 1:
        raise ValueError(f"depth must be at least 1 grid point, got {depth}")
    if not temperature > 0.0:
        raise ValueError(f"temperature must be positive, got {temperature}")
