"""PerturbedTopKSampler: differentiable patch selection by perturbed optimizers, for slices."""

from __future__ import annotations

from typing import Any, Optional

import torch
from torch import Tensor
from torch.nn import functional

from monai_das.samplers.base import Sampler, check_thumbnails
from monai_das.samplers.gumbel import gaussian_noise
from monai_das.samplers.selection import (
    Selection,
    lowest,
    real_slices,
    slice_mask,
    without_padding,
)
from monai_das.samplers.slice_reader import SliceScorer

LEAST = 0.01


class ExpectedTopK(torch.autograd.Function):
    """The mean over noise of the sorted one-hot rows of the k highest noisy scores, and its gradient.

    Forward: ``E[Y(scores + sigma Z)]`` over the samples Z. Backward, for an upstream gradient G: ``E[(<G, Y> - mean)
    Z] / sigma``, the derivative of that expectation by integration by parts; the mean over the samples is a control
    variate.

    References:
        Berthet et al., *Learning with differentiable perturbed optimizers*, NeurIPS 2020, proposition 3.1.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor, noise: Tensor, sigma: float, counts: Tensor, rows: int) -> Tensor:
        """Return ``(B, k, D)`` of ``scores`` ``(B, D)``, ``noise`` ``(S, B, D)`` and ``counts`` ``(B,)`` to keep."""
        depth = scores.size(1)
        keys = functional.pad(scores + sigma * noise, (0, rows), value=lowest())
        order = torch.topk(keys, rows, dim=2).indices.masked_fill(~slice_mask(counts, rows), depth)
        places = torch.sort(order, dim=2).values.permute(1, 2, 0)
        ctx.save_for_backward(places, noise)
        ctx.sigma = sigma
        shares = torch.zeros(scores.size(0), rows, depth + 1, device=scores.device)
        shares.scatter_add_(2, places, torch.full(places.shape, 1.0 / noise.size(0), device=scores.device))
        return shares[:, :, :depth]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        """Return the gradient with respect to the scores."""
        places, noise = ctx.saved_tensors
        values = torch.gather(functional.pad(gradients[0].float(), (0, 1)), 2, places).sum(dim=1)
        centred = values - values.mean(dim=1, keepdim=True)
        gradient = torch.einsum("bs,sbd->bd", centred, noise) / (ctx.sigma * max(1, noise.size(0) - 1))
        return gradient, None, None, None, None


class PerturbedTopKSampler(Sampler):
    """Choose the k highest scores; in ``train()`` blend slices by the expected choice under Gaussian noise.

    Scores are brought to [0, 1] per case. In ``train()`` the k highest of noisy scores, sorted by position, are
    averaged over many draws: row j of the sampling matrix says how often each slice was the j-th chosen one, and the
    network sees the slices blended by it (:func:`take_slices`). The gradient is the gradient of the expectation. In
    ``eval()`` the k highest scores, one slice per row.

    As in the source: 500 draws, noise of 0.05 that falls linearly, min-max normalised scores, rows sorted by position,
    hard top-k at test. Deviations: slices in place of patches, scored by a small encoder with attention over the case
    (``SliceScorer``) in place of a convolutional one over the image; a control variate in the gradient, which changes
    its variance only; the noise ends at a hundredth of its start (the gradient divides by it); no entropy term on the
    scores (the source's configuration has one of 0.01); the noise is Gaussian and fresh in every step.

    Args:
        num_slices, fraction: the budget, see :class:`Sampler`.
        num_samples: draws of noise per case and step.
        sigma: standard deviation of the noise at the start, on scores of [0, 1].
        decay_steps: training steps in which the noise falls to its end; 0 keeps it.

    Attributes:
        steps: buffer, training steps so far.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``; ``lengths``: ``(B,)`` or None; returns a :class:`Selection` whose scores
          are in [0, 1], and whose rows of weights in ``train()`` are expectations that sum to 1. ``indices`` then are
          the choice without noise.

    Raises:
        ValueError: ``num_samples`` is below 2, ``sigma`` is not positive or ``decay_steps`` is negative.

    References:
        Cordonnier et al., *Differentiable Patch Selection for Image Recognition*, CVPR 2021, arXiv 2104.03059.

    Example:
        >>> PerturbedTopKSampler(num_slices=4).eval()(torch.rand(2, 1, 8, 8, 28)).indices.shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        num_slices: int | None = None,
        fraction: float | None = None,
        *,
        num_samples: int = 500,
        sigma: float = 0.05,
        decay_steps: int = 0,
    ) -> None:
        super().__init__(num_slices, fraction)
        if num_samples < 2 or not sigma > 0.0 or decay_steps < 0:
            raise ValueError(
                "num_samples must be at least 2, sigma positive and decay_steps not negative, "
                f"got {num_samples=}, {sigma=} and {decay_steps=}"
            )
        self.num_samples: int = num_samples
        self.sigma: float = sigma
        self.decay_steps: int = decay_steps
        self.scorer = SliceScorer()
        self.steps: Tensor
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose the highest scores, in ``train()`` in expectation over noise."""
        check_thumbnails(thumbnails)
        real = real_slices(thumbnails[:, 0, 0, 0], lengths)
        scores = min_max(self.scorer(thumbnails, real), real)
        chosen = self.top(scores, scores, lengths)
        if not torch.jit.is_scripting() and self.training:  # type: ignore[attr-defined]
            return chosen._replace(weights=self.expected(chosen.scores, chosen.kept))
        return chosen

    def expected(self, scores: Tensor, kept: Tensor) -> Tensor:
        """Return the expected sampling matrix ``(B, k, D)`` of ``scores`` under noise, and count the step."""
        left = max(LEAST, 1.0 - int(self.steps) / self.decay_steps) if self.decay_steps else 1.0
        self.steps += 1
        noise = gaussian_noise(self.num_samples, scores)
        weights: Tensor = ExpectedTopK.apply(  # type: ignore[no-untyped-call]
            scores, noise, self.sigma * left, kept.sum(dim=1), kept.size(1)
        )
        return weights


def min_max(scores: Tensor, lengths: Tensor) -> Tensor:
    """Return ``scores`` ``(B, D)`` scaled to [0, 1] over the real slices of each case; equal scores become 0."""
    mask = slice_mask(lengths, scores.size(1))
    low = scores.masked_fill(~mask, -lowest()).amin(dim=1, keepdim=True)
    high = without_padding(scores, lengths).amax(dim=1, keepdim=True)
    return (scores - low) / (high - low).clamp(min=1e-6)
