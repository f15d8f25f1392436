"""Agreement of a choice of slices with the verdicts of readers."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class SliceAgreement(NamedTuple):
    """Values of each case, ``(B,)`` float32; NaN if a case does not determine one.

    Attributes:
        recall: share of the slices that readers want (confirmed or added) which are chosen.
        precision: share of the chosen slices that readers want.
        rejected: share of the rejected slices that are chosen nevertheless.
    """

    recall: Tensor
    precision: Tensor
    rejected: Tensor


def slice_agreement(chosen: Tensor, verdicts: Tensor) -> SliceAgreement:
    """Compare ``chosen`` ``(B, k)`` (slice indices, -1 for none) with ``verdicts`` ``(B, D)`` of -1, 0 and 1.

    Raises:
        ValueError: shapes do not fit.

    Example:
        >>> slice_agreement(torch.tensor([[0, 2]]), torch.tensor([[1, 0, -1, 1]])).recall
        tensor([0.5000])
    """
    if chosen.dim() != 2 or verdicts.dim() != 2 or chosen.size(0) != verdicts.size(0):
        got = f"{tuple(chosen.shape)} and {tuple(verdicts.shape)}"
        raise ValueError(f"slice_agreement takes indices (B, k) and verdicts (B, D), got {got}")
    taken = torch.zeros(verdicts.size(0), verdicts.size(1) + 1, dtype=torch.bool, device=chosen.device)
    taken = taken.scatter(1, torch.where(chosen < 0, verdicts.size(1), chosen), True)[:, :-1]
    wanted, refused = verdicts.to(chosen.device) > 0, verdicts.to(chosen.device) < 0
    any_wanted = wanted.any(dim=1)
    precision = _share(taken & wanted, taken).masked_fill(~any_wanted, float("nan"))
    return SliceAgreement(_share(taken & wanted, wanted), precision, _share(taken & refused, refused))


def _share(hits: Tensor, of: Tensor) -> Tensor:
    """Return ``(B,)`` the number of ``hits`` ``(B, D)`` divided by the number of ``of``; NaN if that is 0."""
    total = of.sum(dim=1).float()
    return torch.where(total > 0, hits.sum(dim=1) / total.clamp(min=1.0), torch.full_like(total, float("nan")))
