"""The one interface of all samplers: thumbnails of a volume in, a :class:`Selection` out."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Optional

from torch import Tensor, nn

from monai_das.samplers.selection import (
    Selection,
    new_selection,
    one_hot_rows,
    real_slices,
    rounded_half_up,
    select_top,
    widened,
    without_padding,
)


class Sampler(nn.Module):
    """Abstract: choose ``k`` of D slices from thumbnails of one fixed size.

    Args:
        num_slices: the budget k, at least 1; or
        fraction: the budget as a share p of the slices in (0, 1]: ``k = max(1, p x D rounded half up)``.

    Attributes:
        widening: in ``train()`` only, stretches the budget: 0 is k, 1 is all D slices, in between
            ``k * (D / k) ** widening``. A schedule (``monai_das.handlers``) moves it from 1 to 0.
        taught: whether attention over all slices teaches its scores, and knows by which sampling design they were
            taken, see ``monai_das.networks.DASDesignAggregation``.
        lr_multiplier: factor on the base learning rate that this method's parameters want,
            see :func:`monai_das.samplers.sampler_param_groups`.

    Shape:
        - ``thumbnails``: ``(B, C, h, w, D)``, real slices first along D.
        - ``lengths``: ``(B,)`` int64, number of real slices per case, or None when all D are real.
        - returns a :class:`Selection`.

    Parameters and scores stay in float32, also after ``.half()``, ``.bfloat16()`` and ``.double()``.

    Raises:
        ValueError: not exactly one of ``num_slices`` and ``fraction`` is given, or it is out of range; and in use:
            thumbnails or ``lengths`` are of another form, or a length is below 1 or above D.
    """

    def __init__(self, num_slices: int | None = None, fraction: float | None = None) -> None:
        super().__init__()
        if (num_slices is None) == (fraction is None):
            raise ValueError(f"give num_slices or fraction, one of them, got {num_slices=} and {fraction=}")
        if num_slices is not None and num_slices < 1:
            raise ValueError(f"num_slices must be at least 1, got {num_slices}")
        if fraction is not None and not 0.0 < fraction <= 1.0:
            raise ValueError(f"fraction must be in (0, 1], got {fraction}")
        self.num_slices: int = num_slices or 0
        self.fraction: float = fraction or 0.0
        share = Fraction(self.fraction).limit_denominator(10_000)
        self.part: int = share.numerator
        self.whole: int = share.denominator
        self.widening: float = 0.0
        self.taught: bool = False
        self.lr_multiplier: float = 1.0

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Sampler:
        """Keep float32 where a network is turned to half or double precision: scores are computed in float32."""
        super()._apply(in_float32(fn), recurse)  # type: ignore[no-untyped-call]
        return self

    def forward(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Choose slices; abstract."""
        raise NotImplementedError("a Sampler implements forward(thumbnails, lengths) -> Selection")

    def budget(self, lengths: Tensor, depth: int) -> tuple[int, Tensor]:
        """Return the rows k of a selection now, and ``(B,)`` how many of them each case keeps."""
        if self.num_slices > 0:
            rows = self.num_slices
            counts = lengths.clamp(max=rows)
        else:
            part, whole = self.part, self.whole
            rows = rounded_half_up(part * depth, whole)
            counts = ((2 * part * lengths + whole) // (2 * whole)).clamp(min=1)
        if self.training and self.widening > 0.0:
            counts = widened(counts, lengths, self.widening)
            rows = max(rows, int(counts.max()))
        return rows, counts

    def top(self, keys: Tensor, scores: Tensor, lengths: Optional[Tensor]) -> Selection:
        """Return the selection of the highest ``keys`` ``(B, D)`` within the budget; it reports ``scores``.

        ``keys`` are the scores themselves, or the scores with noise.
        """
        depth = scores.size(1)
        real = real_slices(scores, lengths)
        rows, counts = self.budget(real, depth)
        indices, kept = select_top(keys, counts, rows, real)
        return new_selection(one_hot_rows(indices, kept, depth), indices, kept, without_padding(scores, real))


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def in_float32(apply: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return ``apply``, what ``nn.Module.to`` does to a tensor, so that it moves tensors but leaves their precision."""

    def moved(tensor: Tensor) -> Tensor:
        changed = apply(tensor)
        return changed if changed.dtype == tensor.dtype else tensor.to(changed.device)

    return moved


def check_thumbnails(thumbnails: Tensor) -> None:
    """Raise ``ValueError`` unless ``thumbnails`` is ``(B, C, h, w, D)`` with h and w at least 3 and D at least 1."""
    if thumbnails.dim() != 5:
        raise ValueError(
            f"thumbnails must be (B, C, h, w, D), got {thumbnails.size()}; add a batch axis: thumbnails[None]"
        )
    if thumbnails.size(2) < 3 or thumbnails.size(3) < 3:
        raise ValueError(f"thumbnails must be at least 3 x 3 pixels, got {thumbnails.size()}")
    if thumbnails.size(4) < 1:
        raise ValueError(f"thumbnails must have at least one slice, got {thumbnails.size()}; slices are the last axis")
