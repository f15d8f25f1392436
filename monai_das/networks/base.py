"""What the networks share: thumbnails, the score of a volume, taking the chosen slices, and the pair in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Optional

import torch
import torch.distributed as distributed
from monai.data.meta_tensor import MetaTensor
from torch import Tensor, nn

from monai_das.networks.eval_view import eval_view
from monai_das.networks.held_terms import HeldTerms
from monai_das.networks.lessons import LessonCheck
from monai_das.networks.output import DASOutput
from monai_das.samplers import Sampler, Selection, take_slices
from monai_das.samplers.base import in_float32
from monai_das.samplers.selection import check_lengths, detached, may_look, slice_mask
from monai_das.transforms.thumbnails import check_volume, make_thumbnails, warn_if_slices_come_first


def plain(tensor: Tensor) -> Tensor:
    """Return ``tensor`` without MONAI's metadata, which slows every operation and means nothing inside a network."""
    if torch.jit.is_scripting():  # type: ignore[attr-defined]
        return tensor
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor


class DASNetwork(nn.Module):
    """Abstract: ``thumbnails`` of a volume, ``score``, taking the chosen slices, ``classify``.

    In ``train()`` a call returns the pair :class:`DASOutput`, in ``eval()``, in TorchScript and in exports the logits
    alone. The network remembers no selection: take it from the pair, or call ``score``.

    All steps are methods that stay callable in TorchScript. The thumbnail size and the contract are part of the
    weights: they travel in the state dict, and loading weights that were made with others is an error.

    Args:
        sampler: chooses the slices; it sees thumbnails only.
        thumbnail_size: side of the thumbnails in pixels, at least 3.
        detach_choice: in ``train()`` the task loss does not reach the sampler, only what reads the selection does
            (penalties, readers' verdicts): labels of cases do not move a settled choice.
        contract: what the network is made for, see :func:`monai_das.contract.weight_terms`; None for no bundle.

    Shape:
        - ``volume``: ``(B, C, H, W, D)``, any real dtype, H and W at least 3; ``lengths``: ``(B,)`` int64, number of
          real slices, real ones first, or None when all D are real.
        - returns logits ``(B, num_classes)`` float32 in ``eval()``, the pair of logits and selection in ``train()``.

    ``.half()``, ``.bfloat16()`` and ``.double()`` change the backbone alone. Scores, aggregation and head stay in
    float32, and slices are converted to what the backbone wants.

    Raises:
        ValueError: ``volume`` is not 5-D, has no slice, or its slices are below 3 x 3 pixels; a real slice has a value
            that is not finite; ``lengths`` are not ``(B,)`` whole numbers from 1 to D; ``slices`` do not fit
            ``selection``.

    Warns:
        UserWarning: the shape of ``volume`` looks as if slices came first.
    """

    def __init__(
        self,
        sampler: Sampler,
        thumbnail_size: int = 64,
        detach_choice: bool = False,
        contract: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if thumbnail_size < 3:
            raise ValueError(f"thumbnail_size must be at least 3 pixels, got {thumbnail_size}")
        self.sampler = sampler
        self.thumbnail_size: int = thumbnail_size
        self.detach_choice: bool = detach_choice
        self.register_buffer("thumbnail_side", torch.tensor(thumbnail_size))
        self.register_buffer("precision", torch.zeros(()), persistent=False)
        self.contract = HeldTerms(contract)
        self.lesson_check = LessonCheck()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> DASNetwork:
        """Change the precision of the backbone alone; ``precision`` goes with it and says what it is."""
        for name, child in self.named_children() if recurse else []:
            child._apply(fn if name == "backbone" else in_float32(fn))  # type: ignore[no-untyped-call]
        super()._apply(fn, recurse=False)  # type: ignore[no-untyped-call]
        return self

    def forward(self, volume: Tensor, lengths: Optional[Tensor] = None) -> Tensor:
        """Classify ``volume`` ``(B, C, H, W, D)``; the backbone sees only the chosen slices."""
        image = plain(volume)
        selection = self.score(self.thumbnails(image), lengths)
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            return self.classify(take_slices(image, selection), selection)
        else:  # TorchScript compiles what follows an if, but not this branch
            answer: Tensor = self.output(image, selection, lengths)  # or the pair, see above
            return answer

    @torch.jit.unused
    def output(self, image: Tensor, selection: Selection, lengths: Optional[Tensor]) -> Any:
        """Return logits in ``eval()`` and the pair :class:`DASOutput` in ``train()``."""
        warn_if_slices_come_first(image.shape)
        self.check_graph(lengths)
        if not self.training:
            return self.classify(take_slices(image, selection), selection)
        if lengths is not None:
            image = without_padded_slices(image, plain(lengths))
        complete = lengths is None and selection.indices.size(1) <= image.size(4)
        output = self.learn(image, selection, complete)
        self.lesson_check.watch(self.sampler, output.logits, output.selection)
        return output._replace(logits=anchored(output.logits, self.sampler))

    @torch.jit.export
    def thumbnails(self, volume: Tensor) -> Tensor:
        """Return ``(B, C, thumbnail_size, thumbnail_size, D)`` float32 of ``volume`` ``(B, C, H, W, D)``."""
        return make_thumbnails(plain(volume), self.thumbnail_size)

    @torch.jit.export
    def score(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Return what the sampler chooses from ``thumbnails`` ``(B, C, h, w, D)``."""
        seen, real = plain(thumbnails), lengths
        if lengths is not None:
            real = plain(lengths)
            seen = without_padded_slices(seen, real)
        check_finite(seen)
        selection: Selection = self.sampler(seen, real)
        return selection

    @torch.jit.export
    def classify(self, slices: Tensor, selection: Selection) -> Tensor:
        """Return logits of the chosen ``slices`` ``(B, C, H, W, k)``; abstract."""
        raise NotImplementedError("a DASNetwork implements classify(slices, selection) -> (B, num_classes)")

    @torch.jit.unused
    def check_graph(self, lengths: Optional[Tensor]) -> None:
        """Raise ``ValueError`` if this network cannot be compiled or exported with ``lengths``; most can."""

    @torch.jit.unused
    def learn(self, image: Tensor, selection: Selection, complete: bool = False) -> DASOutput:
        """Return the output of a training step: logits, and the selection with all that a loss takes from it.

        ``complete`` says that every row of the selection is kept, where that is known without looking at values.
        """
        used = self.used(selection)
        return DASOutput(self.classify(take_slices(image, used), used), selection)

    @torch.jit.unused
    def judge(self, volume: Tensor, selection: Selection) -> Tensor:
        """Return the logits ``(B, num_classes)`` that ``eval()`` gives the slices of ``selection``, without a graph.

        The modes of the network do not change, so that a policy's reward can be computed in training.
        """
        with torch.no_grad():
            chosen = detached(selection)
            return eval_view(self).classify(take_slices(plain(volume), chosen), chosen)

    @torch.jit.unused
    def used(self, selection: Selection) -> Selection:
        """Return the selection that takes and weighs the slices; with ``detach_choice`` it has no graph."""
        return detached(selection) if self.detach_choice else selection

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        stored = state_dict.get(f"{prefix}thumbnail_side")
        if stored is not None and int(stored) != self.thumbnail_size:
            args[-1].append(
                f"the weights were made with thumbnail_size={int(stored)}, the network has {self.thumbnail_size}; "
                f"build it with thumbnail_size={int(stored)}"
            )
            state_dict = {**state_dict, f"{prefix}thumbnail_side": self.thumbnail_side}
        super()._load_from_state_dict(state_dict, prefix, *args)


def anchored(logits: Tensor, part: nn.Module) -> Tensor:
    """Return ``logits`` with the parameters of ``part`` behind them in the graph, where processes train together.

    ``DistributedDataParallel`` waits for the gradient of every parameter behind the output. If a loss leaves out a part
    of the selection, such as the scores, it would wait for ever; so the parameters get a gradient of zero here. The
    scores get none, so that :class:`LessonCheck` sees what teaches them.
    """
    if distributed.is_available() and distributed.is_initialized():
        for parameter in part.parameters():
            if parameter.requires_grad:
                logits = logits + 0.0 * parameter.float().sum()
    return logits


def precision_of(backbone: nn.Module) -> Tensor:
    """Return a zero of the precision that ``backbone`` computes in: that of its first parameter."""
    kinds = [each.dtype for each in backbone.parameters() if each.is_floating_point()]
    return torch.zeros((), dtype=kinds[0] if kinds else torch.float32)


def without_padded_slices(volume: Tensor, lengths: Tensor) -> Tensor:
    """Return ``volume`` ``(B, C, H, W, D)`` with zeros in its padded slices: NaN times 0 would be NaN."""
    check_volume(volume)
    check_lengths(lengths, volume.size(0), volume.size(4))
    real = slice_mask(lengths.to(volume.device), volume.size(4))
    return volume.masked_fill(~real[:, None, None, None, :], 0)


def check_finite(thumbnails: Tensor) -> None:
    """Raise ``ValueError`` if a slice of ``thumbnails`` ``(B, C, h, w, D)`` has a value that is NaN or infinite."""
    check_volume(thumbnails)
    if may_look() and not bool(torch.isfinite(thumbnails.float().sum())):
        wrong = ~torch.isfinite(thumbnails.float().sum(dim=(1, 2, 3)))
        if bool(wrong.any()):
            place = wrong.nonzero()[0]
            raise ValueError(
                f"slice {int(place[1])} of case {int(place[0])} in the batch has values that are NaN or infinite; "
                "mend the case, or replace them first: torch.nan_to_num(volume)"
            )


def check_slices(slices: Tensor, selection: Selection) -> None:
    """Raise ``ValueError`` unless ``slices`` is ``(B, C, H, W, k)`` with the k of ``selection``."""
    check_volume(slices)
    if slices.size(4) != selection.indices.size(1):
        raise ValueError(
            f"slices must be (B, C, H, W, k) with the k = {selection.indices.size(1)} rows of the selection, "
            f"got {list(slices.shape)}; take them with take_slices(volume, selection)"
        )
