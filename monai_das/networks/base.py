"""What the networks share: thumbnails, the score of a volume, and memory of the last selection."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Optional

import torch
import torch.distributed as distributed
from monai.data.meta_tensor import MetaTensor
from torch import Tensor, nn

from monai_das.samplers import Sampler, Selection, take_slices
from monai_das.transforms.thumbnails import check_volume, make_thumbnails


class Memory:
    """Hold the last selection of one network, and whether its sampler has had a lesson, or its user a warning.

    A copy of the network, and a saved one, starts with neither.
    """

    def __init__(self) -> None:
        self.selection: Selection | None = None
        self.taught: bool = False

    def __deepcopy__(self, memo: dict[int, Any]) -> Memory:
        return Memory()

    def __reduce__(self) -> tuple[type[Memory], tuple[()]]:
        return Memory, ()


def plain(tensor: Tensor) -> Tensor:
    """Return ``tensor`` without MONAI's metadata, which slows every operation and means nothing inside a network."""
    if torch.jit.is_scripting():  # type: ignore[attr-defined]
        return tensor
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor


class Reached(torch.autograd.Function):
    """Pass the first tensor on, and reach the others in the backward pass, with a gradient of zero."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, *others: Tensor) -> Tensor:
        """Return ``logits``."""
        ctx.others = [torch.zeros_like(other) for other in others]
        return logits.view_as(logits)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        """Return the gradient of the logits, and zeros."""
        return gradients[0], *ctx.others


def reached_by(logits: Tensor, selection: Selection | None) -> Tensor:
    """Return ``logits``, with all that a loss may take from ``selection`` behind them in the graph.

    ``DistributedDataParallel`` waits for the gradients of those parameters alone that it finds behind the output, and a
    loss that holds the network by reference takes penalty, scores and log-probability from elsewhere.
    """
    alone = selection is None or not (distributed.is_available() and distributed.is_initialized())
    parts = () if selection is None or alone else (selection.scores, selection.log_prob, selection.penalty)
    learning = [part for part in parts if part is not None and part.requires_grad]
    tied: Tensor = Reached.apply(logits, *learning) if learning else logits  # type: ignore[no-untyped-call]
    return tied


class DASNetwork(nn.Module):
    """Abstract: ``thumbnails`` of a volume, ``score``, taking the chosen slices, ``classify``.

    All steps are methods that stay callable in TorchScript. The thumbnail size is part of the weights: it travels in
    the state dict, and loading weights made with another size is an error.

    Args:
        sampler: chooses the slices; it sees thumbnails only.
        thumbnail_size: side of the thumbnails in pixels, at least 3.

    Attributes:
        selection: the :class:`~monai_das.samplers.Selection` of the last forward or score in ``train()``, with its
            graph, for losses that hold the network by reference; None before the first, and after one in ``eval()``.
        detach_choice: in ``train()`` the task loss does not reach the sampler, only what reads ``selection`` does
            (penalties, readers' verdicts): a settled choice is not moved by labels of cases. False by default.

    Shape:
        - ``volume``: ``(B, C, H, W, D)``, any real dtype, H and W at least 3; ``lengths``: ``(B,)`` int64, number of
          real slices, real ones first, or None when all D are real.
        - returns logits ``(B, num_classes)`` float32.

    Raises:
        ValueError: ``volume`` is not 5-D or its slices are below 3 x 3 pixels; ``slices`` do not fit ``selection``.
    """

    __jit_unused_properties__: ClassVar[list[str]] = ["selection"]

    def __init__(self, sampler: Sampler, thumbnail_size: int = 64) -> None:
        super().__init__()
        if thumbnail_size < 3:
            raise ValueError(f"thumbnail_size must be at least 3 pixels, got {thumbnail_size}")
        self.sampler = sampler
        self.thumbnail_size: int = thumbnail_size
        self.detach_choice: bool = False
        self.register_buffer("thumbnail_side", torch.tensor(thumbnail_size))
        self._memory = Memory()

    @property
    def selection(self) -> Selection | None:
        """The selection of the last training step."""
        return self._memory.selection

    def forward(self, volume: Tensor, lengths: Optional[Tensor] = None) -> Tensor:
        """Return logits ``(B, num_classes)`` of ``volume`` ``(B, C, H, W, D)``; only the chosen slices are seen."""
        image = plain(volume)
        selection = self.score(self.thumbnails(image), lengths)
        if self.training and self.detach_choice:
            selection = detached(selection)
        logits = self.classify(take_slices(image, selection), selection)
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            logits = reached_by(logits, self.selection)
        return logits

    @torch.jit.export
    def thumbnails(self, volume: Tensor) -> Tensor:
        """Return ``(B, C, thumbnail_size, thumbnail_size, D)`` float32 of ``volume`` ``(B, C, H, W, D)``."""
        return make_thumbnails(plain(volume), self.thumbnail_size)

    @torch.jit.export
    def score(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Return what the sampler chooses from ``thumbnails`` ``(B, C, h, w, D)``."""
        selection: Selection = self.sampler(plain(thumbnails), lengths)
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            self._memory.selection = selection if self.training else None
        return selection

    @torch.jit.export
    def classify(self, slices: Tensor, selection: Selection) -> Tensor:
        """Return logits of the chosen ``slices`` ``(B, C, H, W, k)``; abstract."""
        raise NotImplementedError("a DASNetwork implements classify(slices, selection) -> (B, num_classes)")

    def warn_untaught(self, remedy: str) -> None:
        """Warn, once, where a sampler in training that learns from lessons alone gets none; ``remedy`` says what to do.

        Not where readers are to move the choice (``detach_choice``), or where the sampler is frozen.
        """
        learns = self.sampler.taught and any(each.requires_grad for each in self.sampler.parameters())
        if learns and torch.is_grad_enabled() and not (self.detach_choice or self._memory.taught):
            self._memory.taught = True
            name = type(self.sampler).__name__
            warnings.warn(f"{name} is to be taught, and nothing teaches it: its choice stays. {remedy}", stacklevel=3)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        stored = state_dict.get(f"{prefix}thumbnail_side")
        if stored is not None and int(stored) != self.thumbnail_size:
            args[-1].append(
                f"the weights were made with thumbnail_size={int(stored)}, the network has {self.thumbnail_size}; "
                f"build it with thumbnail_size={int(stored)}"
            )
            state_dict = {**state_dict, f"{prefix}thumbnail_side": self.thumbnail_side}
        super()._load_from_state_dict(state_dict, prefix, *args)


def detached(selection: Selection) -> Selection:
    """Return the same choice without its graph."""
    return Selection(
        selection.weights.detach(), selection.indices, selection.kept, selection.scores.detach(), None, None
    )


def check_slices(slices: Tensor, selection: Selection) -> None:
    """Raise ``ValueError`` unless ``slices`` is ``(B, C, H, W, k)`` with the k of ``selection``."""
    check_volume(slices)
    if slices.size(4) != selection.indices.size(1):
        raise ValueError(
            f"slices must be (B, C, H, W, k) with the k = {selection.indices.size(1)} rows of the selection, "
            f"got {list(slices.shape)}; take them with take_slices(volume, selection)"
        )
