"""From scores to a :class:`Selection`: the budget, the k highest, the sampling matrix, and taking the slices."""

from __future__ import annotations

from typing import NamedTuple, Optional

import torch
from torch import Tensor
from torch.nn import functional


class Selection(NamedTuple):
    """Which slices were chosen, by which scores, and what the method asks of the loss.

    Letters: B batch, D slices of the (padded) volume, k rows of the selection. Every field is always there and has the
    batch first, so that MONAI's ``decollate_batch`` takes a selection apart case by case.

    Attributes:
        weights: sampling matrix ``(B, k, D)``; a row of a kept slice sums to 1, a row that is not kept is zero.
        indices: ``(B, k)`` int64, ascending; rows that are not kept repeat the last real slice of the case.
        kept: ``(B, k)`` bool, false where a case has fewer than k slices.
        scores: ``(B, D)`` float32, higher is chosen first; a padded slice has the lowest score of all.
        inclusion: ``(B, D)`` float32, the probability that the method's sampling design includes a slice; zeros where
            the method has no such design.
        log_prob: ``(B,)`` float32, log-probability of the drawn subset; zeros where the method draws none.
        penalty: ``(B,)`` float32, what the method adds to the task loss; zeros where it adds nothing.
        whole: ``(B, K)`` float32, in ``train()`` the logits of a network that also answers from all slices; else
            ``(B, 0)``.
    """

    weights: Tensor
    indices: Tensor
    kept: Tensor
    scores: Tensor
    inclusion: Tensor
    log_prob: Tensor
    penalty: Tensor
    whole: Tensor


def new_selection(
    weights: Tensor,
    indices: Tensor,
    kept: Tensor,
    scores: Tensor,
    inclusion: Optional[Tensor] = None,
    log_prob: Optional[Tensor] = None,
    penalty: Optional[Tensor] = None,
) -> Selection:
    """Return a :class:`Selection` with zeros in the fields that are not given."""
    none = torch.zeros_like(scores[:, 0])
    return Selection(
        weights,
        indices,
        kept,
        scores,
        torch.zeros_like(scores) if inclusion is None else inclusion,
        none if log_prob is None else log_prob,
        none if penalty is None else penalty,
        torch.zeros_like(scores[:, :0]),
    )


def detached(selection: Selection) -> Selection:
    """Return the same selection without its graph."""
    return Selection(
        selection.weights.detach(),
        selection.indices,
        selection.kept,
        selection.scores.detach(),
        selection.inclusion.detach(),
        selection.log_prob.detach(),
        selection.penalty.detach(),
        selection.whole.detach(),
    )


def lowest() -> float:
    """Return the score of a padded slice: below every real one, yet finite (a function, as TorchScript needs)."""
    return -3.0e38


def real_slices(scores: Tensor, lengths: Optional[Tensor]) -> Tensor:
    """Return ``(B,)`` int64, how many slices of each row of ``scores`` ``(B, D)`` are real.

    Raises:
        ValueError: see :func:`check_lengths`.
    """
    if lengths is None:
        return torch.full((scores.size(0),), scores.size(1), dtype=torch.int64, device=scores.device)
    check_lengths(lengths, scores.size(0), scores.size(1))
    return lengths.to(device=scores.device, dtype=torch.int64).clamp(1, scores.size(1))


def check_lengths(lengths: Tensor, batch: int, depth: int) -> None:
    """Raise ``ValueError`` unless ``lengths`` is ``(B,)``, whole numbers from 1 to ``depth``; see :func:`may_look`."""
    if lengths.dim() != 1 or lengths.size(0) != batch:
        raise ValueError(f"lengths must be (B,), one number for each of {batch} cases, got {list(lengths.shape)}")
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise ValueError(f"lengths must be whole numbers, such as int64, got {lengths.dtype}; give lengths.long()")
    if may_look() and batch > 0:
        low, high = int(lengths.min()), int(lengths.max())
        if low < 1 or high > depth:
            raise ValueError(f"lengths must lie between 1 and the {depth} slices of the batch, got {low} to {high}")


def may_look() -> bool:
    """Tell whether values may be looked at: not while a graph is made (compile, export, trace), which cannot branch."""
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        return not (torch.compiler.is_compiling() or is_traced())
    return True


def is_traced() -> bool:
    """Tell whether ``torch.jit.trace`` is running; apart, as TorchScript reads comments about types as types."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined,no-untyped-call]


def slice_mask(lengths: Tensor, depth: int) -> Tensor:
    """Return ``(B, D)`` bool, true for the real slices of each case."""
    return torch.arange(depth, device=lengths.device)[None, :] < lengths[:, None]


def rounded_half_up(numerator: int, denominator: int) -> int:
    """Return ``max(1, numerator / denominator rounded half up)``, in whole numbers so that ``torch.export`` follows."""
    nearest = (2 * numerator + denominator) // (2 * denominator)
    return nearest + 1 // (nearest + 1)


def widened(budget: Tensor, lengths: Tensor, widening: float) -> Tensor:
    """Return ``budget * (lengths / budget) ** widening`` rounded half up, ``(B,)`` int64; ``widening`` in [0, 1]."""
    small = torch.minimum(budget, lengths).to(torch.float64)
    return (small * (lengths.to(torch.float64) / small) ** widening + 0.5).floor().to(torch.int64)


def select_top(keys: Tensor, counts: Tensor, rows: int, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``indices`` ``(B, k)`` ascending and ``kept`` ``(B, k)`` of the highest ``keys`` ``(B, D)``, k = ``rows``.

    A case with fewer than k slices is allowed: the missing rows repeat its last real slice and are not kept.
    """
    finite = torch.nan_to_num(keys.float(), nan=lowest() / 2).clamp(min=lowest() / 2)
    padded = functional.pad(without_padding(finite, lengths), (0, rows), value=lowest())
    order = torch.topk(padded, rows, dim=1).indices
    kept = slice_mask(counts, rows)
    beyond = order.masked_fill(~kept, keys.size(1))
    indices = torch.minimum(torch.sort(beyond, dim=1).values, lengths[:, None] - 1)
    return indices, kept


def without_padding(scores: Tensor, lengths: Tensor) -> Tensor:
    """Return ``scores`` ``(B, D)`` in float32, with padded slices below all others."""
    return scores.float().masked_fill(~slice_mask(lengths, scores.size(1)), lowest())


def one_hot_rows(indices: Tensor, kept: Tensor, depth: int) -> Tensor:
    """Return the sampling matrix ``(B, k, D)`` of ones and zeros; rows that are not kept are zero."""
    slices = torch.arange(depth, device=indices.device)
    return ((indices[:, :, None] == slices) & kept[:, :, None]).float()


def take_slices(volume: Tensor, selection: Selection) -> Tensor:
    """Return the chosen slices ``(B, C, H, W, k)`` of ``volume`` ``(B, C, H, W, D)``, gathered by index.

    Where the sampling matrix carries a gradient (in training), the slices and their gradient are the product of matrix
    and volume. For straight-through methods these are exactly the chosen slices, for expectations a blend of slices.
    """
    index = selection.indices[:, None, None, None, :]
    channels, rows, columns = volume.size(1), volume.size(2), volume.size(3)
    slices = torch.gather(volume, 4, index.expand(-1, channels, rows, columns, -1))
    if not torch.jit.is_scripting() and selection.weights.requires_grad:  # type: ignore[attr-defined]
        slices = slices + beyond_gathered(volume, selection).to(slices.dtype)
    return slices


def beyond_gathered(volume: Tensor, selection: Selection) -> Tensor:
    """Return ``weights @ volume`` less the gathered slices, with its gradient; in float32, also under autocast.

    For straight-through methods that is exactly zero. Rows that are not kept have no weights and nothing is added.
    """
    with torch.autocast(volume.device.type, enabled=False):
        gathered = one_hot_rows(selection.indices, selection.kept, volume.size(4))
        return torch.einsum("bkd,bchwd->bchwk", (selection.weights - gathered).float(), volume.float())
