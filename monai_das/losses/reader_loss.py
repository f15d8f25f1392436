"""The task loss plus what readers said about single slices."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_das.losses.selection_loss import DASLoss, Output
from monai_das.samplers.selection import lowest

KINDS = ("ranking", "cross_entropy", "shares", "binary")


class DASReaderLoss(nn.Module):
    """Return :class:`DASLoss` plus ``verdict_weight`` times the disagreement of the scores with the readers.

    A reader's verdict of a slice is 1 (confirmed or added), -1 (rejected) or 0 (nothing said). ``"ranking"`` takes
    every pair of slices of a case whose verdicts differ, and asks the better one to score higher by ``margin``:
    ``softplus(score of worse - score of better + margin)``, averaged; a pair with an unlabelled slice weighs
    ``unlabelled_weight``, because the reader saw that slice but did not judge it. An unlabelled slice should rank above
    a rejected one only in a case without positive slices: readers reject slices with high scores, and so many pairs
    would turn the order of all scores upside down, including the wanted slices. ``"cross_entropy"`` asks each positive
    slice to win a softmax against the slices that are not positive (with weights 1 and ``unlabelled_weight``), and
    where there is no positive slice, the unlabelled ones to win against the rejected. ``"shares"`` asks the softmax of
    the scores to give the positive slices equal shares, and the others none; where there is no positive slice, the
    unlabelled ones; and where every slice is rejected, all of them. ``"binary"`` asks the sigmoid of each score for the
    verdict of its slice; unlabelled slices count as rejected beside positive ones, else as positive. Both suit verdicts
    on all slices, such as the ``slices`` of a datalist. With ``widen`` their targets are soft: each positive slice is
    spread along D by a Gaussian. All are means over the cases with verdicts. Cases without verdicts contribute nothing,
    and a batch of such cases gives the task loss.

    Where the target has no label, the slices teach alone, and the loss is the penalty plus the readers' term.

    Like :class:`DASLoss`, it holds no network. A slice that a ``DASSampler`` holds ineligible (nearly constant) stays
    so, whatever readers say.

    Args:
        loss: the task loss, cross entropy by default.
        verdict_weight: factor on the readers' term.
        penalty_weight: factor on the sampler's own penalty.
        kind: ``"ranking"``, ``"cross_entropy"``, ``"shares"`` or ``"binary"``.
        unlabelled_weight: weight of pairs with an unlabelled slice, or of that slice; 0 compares judged slices alone.
        margin: by how much the better slice should score higher; scores are logits, before noise; for ranking and
            cross entropy.
        widen: standard deviation of the Gaussian that spreads positive slices, in slices; 0 spreads nothing.
        temperature: of the softmax that learns the shares, or of the sigmoid. The scores become as many times sharper:
            above 1 for a budget that is smaller than what readers mark, which should go to the surest slices.

    Shape:
        - ``output``: the pair (logits ``(B, K)``, :class:`~monai_das.samplers.Selection`), or logits.
        - ``target``: what ``loss`` takes, or a mapping ``{"label": that, "verdicts": verdicts}``, each of the two
          optional, with verdicts ``(B, D)``, or ``(B, 1, H, W, D)`` as :class:`~monai_das.transforms.SliceVerdictsd`
          makes them and spatial augmentation leaves them: averaged over the plane, and rounded.
        - returns a scalar.

    Raises:
        ValueError: the kind is unknown, a weight is negative, the temperature is not above 0, or the verdicts do not
            fit the scores.
    """

    def __init__(  # noqa: PLR0913 - each kind has its own
        self,
        loss: nn.Module | None = None,
        verdict_weight: float = 1.0,
        penalty_weight: float = 1.0,
        kind: str = "ranking",
        *,
        unlabelled_weight: float = 0.5,
        margin: float = 1.0,
        widen: float = 0.0,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
        if min(verdict_weight, unlabelled_weight) < 0.0:
            raise ValueError(f"weights must not be negative, got {verdict_weight=} and {unlabelled_weight=}")
        if widen < 0.0:
            raise ValueError(f"widen must not be negative, got {widen}; it is in slices")
        if temperature <= 0.0:
            raise ValueError(f"temperature must be above 0, got {temperature}")
        self.task = DASLoss(loss, penalty_weight)
        self.verdict_weight = verdict_weight
        self.kind = kind
        self.unlabelled_weight = unlabelled_weight
        self.margin = margin
        self.widen = widen
        self.temperature = temperature

    def forward(self, output: Output, target: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Return the task loss, plus the weighted readers' term if ``output`` is a pair."""
        if not isinstance(target, Mapping):
            total: Tensor = self.task(output, target)
            return total
        total = self.task(output, target["label"]) if "label" in target else self.alone(output)
        if not isinstance(output, Tensor) and "verdicts" in target:
            total = total + self.verdict_weight * self.disagreement(output[1].scores, target["verdicts"])
        return total

    def alone(self, output: Output) -> Tensor:
        """Return the weighted penalty of a pair, and zero of logits: what there is to learn without a label."""
        if isinstance(output, Tensor):
            return 0.0 * output.sum()
        return self.task.penalty_weight * output[1].penalty.float().mean()

    def disagreement(self, scores: Tensor, verdicts: Tensor) -> Tensor:
        """Return the readers' term of ``scores`` ``(B, D)`` and ``verdicts``, a scalar; 0 without any verdict."""
        said = slice_verdicts(verdicts).to(scores.device)
        if said.shape != scores.shape:
            raise ValueError(
                f"verdicts must be (B, D) or (B, 1, H, W, D) with {tuple(scores.shape)} as B and D, "
                f"got {tuple(verdicts.shape)}; do not drop slices between the network's input and its verdicts"
            )
        real = scores > 0.5 * lowest()
        # what is padded has no verdict; its score must not overflow the softplus
        scores = scores.float().masked_fill(~real, 0.0)
        each: Tensor = getattr(self, self.kind)(scores, said, real)
        judged = ((said != 0) & real).any(dim=1).float()
        return (each * judged).sum() / judged.sum().clamp(min=1.0)

    def ranking(self, scores: Tensor, said: Tensor, real: Tensor) -> Tensor:
        """Return the mean loss of the pairs of each case, ``(B,)``; 0 where all slices have one verdict."""
        positive = ((said > 0) & real).any(dim=1)[:, None, None]
        better, worse = said[:, :, None], said[:, None, :]
        sure = (better != 0) & (worse != 0)
        asked = (better > worse) & ((better > 0) | ~positive)
        weights = asked * torch.where(sure, 1.0, self.unlabelled_weight)
        weights = weights * (real[:, :, None] & real[:, None, :])
        losses = functional.softplus(scores[:, None, :] - scores[:, :, None] + self.margin)
        return (losses * weights).sum(dim=(1, 2)) / weights.sum(dim=(1, 2)).clamp(min=1e-6)

    def cross_entropy(self, scores: Tensor, said: Tensor, real: Tensor) -> Tensor:
        """Return the mean loss of the best-judged slices of each case, ``(B,)``."""
        best = said.masked_fill(~real, -2).amax(dim=1, keepdim=True)
        winners = (said == best) & real
        rivals = (said < best) & real
        sure = (said != 0) & (best != 0)
        weights = rivals * torch.where(sure, 1.0, self.unlabelled_weight)
        weighted = (scores + torch.log(weights.clamp(min=1e-12))).masked_fill(weights == 0.0, -1e4)
        against = torch.logsumexp(weighted, dim=1)
        losses = functional.softplus(against[:, None] - scores + self.margin) * winners
        return losses.sum(dim=1) / winners.sum(dim=1).clamp(min=1)

    def shares(self, scores: Tensor, said: Tensor, real: Tensor) -> Tensor:
        """Return the divergence of the scores' softmax from equal shares of the best-judged slices, ``(B,)``."""
        best = said.masked_fill(~real, -2).amax(dim=1, keepdim=True)
        wanted = ((said == best) & real).float()
        if self.widen > 0.0:
            wanted = wanted @ self.near(scores) * real
        wanted = wanted / wanted.sum(dim=1, keepdim=True)
        unsure = (said == 0) & (best != 0)
        weights = real * torch.where(unsure, self.unlabelled_weight, 1.0)
        counted = torch.where(weights > 0.0, scores / self.temperature + torch.log(weights.clamp(min=1e-12)), -1e4)
        missed = torch.log(wanted.clamp(min=1e-12)) - torch.log_softmax(counted, dim=1)
        return (wanted * missed).sum(dim=1)

    def binary(self, scores: Tensor, said: Tensor, real: Tensor) -> Tensor:
        """Return the mean cross entropy of the slices' own probabilities, ``(B,)``."""
        best = said.masked_fill(~real, -2).amax(dim=1, keepdim=True).clamp(min=0)
        wanted = ((said == best) & real).float()
        if self.widen > 0.0:
            wanted = (wanted[:, None] * self.near(scores)).amax(dim=2)
        weights = real * torch.where(said == 0, self.unlabelled_weight, 1.0)
        losses = functional.binary_cross_entropy_with_logits(scores / self.temperature, wanted, reduction="none")
        return (losses * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-6)

    def near(self, scores: Tensor) -> Tensor:
        """Return the Gaussian of the distance of two slices, ``(D, D)``; 1 for a slice and itself."""
        place = torch.arange(scores.size(1), device=scores.device) / self.widen
        return torch.exp(-0.5 * (place[:, None] - place).square())


def slice_verdicts(verdicts: Tensor) -> Tensor:
    """Return ``(B, D)`` int64 of -1, 0 and 1, of verdicts ``(B, D)`` or ``(B, 1, H, W, D)``."""
    mean = verdicts.float()
    if mean.dim() == 5:
        mean = mean.mean(dim=(1, 2, 3))
    rounded: Tensor = torch.round(mean).clamp(-1, 1).long()
    return rounded
