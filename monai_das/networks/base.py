"""What the networks share: thumbnails, the score of a volume, taking the chosen slices, and the pair in training."""

from __future__ import annotations

from typing import Any, Optional

import torch
import torch.distributed as distributed
from monai.data.meta_tensor import MetaTensor
from torch import Tensor, nn

from monai_das.networks.eval_view import eval_view
from monai_das.networks.lessons import LessonCheck
from monai_das.networks.output import DASOutput
from monai_das.samplers import Sampler, Selection, take_slices
from monai_das.samplers.selection import detached
from monai_das.transforms.thumbnails import check_volume, make_thumbnails


def plain(tensor: Tensor) -> Tensor:
    """Return ``tensor`` without MONAI's metadata, which slows every operation and means nothing inside a network."""
    if torch.jit.is_scripting():  # type: ignore[attr-defined]
        return tensor
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor


class DASNetwork(nn.Module):
    """Abstract: ``thumbnails`` of a volume, ``score``, taking the chosen slices, ``classify``.

    In ``train()`` a call returns the pair :class:`DASOutput`, in ``eval()``, in TorchScript and in exports the logits
    alone. The network remembers no selection: take it from the pair, or call ``score``.

    All steps are methods that stay callable in TorchScript. The thumbnail size is part of the weights: it travels in
    the state dict, and loading weights made with another size is an error.

    Args:
        sampler: chooses the slices; it sees thumbnails only.
        thumbnail_size: side of the thumbnails in pixels, at least 3.
        detach_choice: in ``train()`` the task loss does not reach the sampler, only what reads the selection does
            (penalties, readers' verdicts): labels of cases do not move a settled choice.

    Shape:
        - ``volume``: ``(B, C, H, W, D)``, any real dtype, H and W at least 3; ``lengths``: ``(B,)`` int64, number of
          real slices, real ones first, or None when all D are real.
        - returns logits ``(B, num_classes)`` float32 in ``eval()``, the pair of logits and selection in ``train()``.

    Raises:
        ValueError: ``volume`` is not 5-D or its slices are below 3 x 3 pixels; ``slices`` do not fit ``selection``.
    """

    def __init__(self, sampler: Sampler, thumbnail_size: int = 64, detach_choice: bool = False) -> None:
        super().__init__()
        if thumbnail_size < 3:
            raise ValueError(f"thumbnail_size must be at least 3 pixels, got {thumbnail_size}")
        self.sampler = sampler
        self.thumbnail_size: int = thumbnail_size
        self.detach_choice: bool = detach_choice
        self.register_buffer("thumbnail_side", torch.tensor(thumbnail_size))
        self.lesson_check = LessonCheck()

    def forward(self, volume: Tensor, lengths: Optional[Tensor] = None) -> Tensor:
        """Classify ``volume`` ``(B, C, H, W, D)``; the backbone sees only the chosen slices."""
        image = plain(volume)
        selection = self.score(self.thumbnails(image), lengths)
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            return self.classify(take_slices(image, selection), selection)
        else:  # TorchScript compiles what follows an if, but not this branch
            answer: Tensor = self.output(image, selection)  # or the pair, see above
            return answer

    @torch.jit.unused
    def output(self, image: Tensor, selection: Selection) -> Any:
        """Return logits in ``eval()`` and the pair :class:`DASOutput` in ``train()``."""
        if not self.training:
            return self.classify(take_slices(image, selection), selection)
        output = self.learn(image, selection)
        self.lesson_check.watch(self.sampler, output.logits, output.selection.scores)
        return DASOutput(anchored(output.logits, self.sampler), output.selection)

    @torch.jit.export
    def thumbnails(self, volume: Tensor) -> Tensor:
        """Return ``(B, C, thumbnail_size, thumbnail_size, D)`` float32 of ``volume`` ``(B, C, H, W, D)``."""
        return make_thumbnails(plain(volume), self.thumbnail_size)

    @torch.jit.export
    def score(self, thumbnails: Tensor, lengths: Optional[Tensor] = None) -> Selection:
        """Return what the sampler chooses from ``thumbnails`` ``(B, C, h, w, D)``."""
        selection: Selection = self.sampler(plain(thumbnails), lengths)
        return selection

    @torch.jit.export
    def classify(self, slices: Tensor, selection: Selection) -> Tensor:
        """Return logits of the chosen ``slices`` ``(B, C, H, W, k)``; abstract."""
        raise NotImplementedError("a DASNetwork implements classify(slices, selection) -> (B, num_classes)")

    @torch.jit.unused
    def learn(self, image: Tensor, selection: Selection) -> DASOutput:
        """Return the output of a training step: logits, and the selection with all that a loss takes from it."""
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


def anchored(logits: Tensor, sampler: Sampler) -> Tensor:
    """Return ``logits`` with the parameters of ``sampler`` behind them in the graph, where processes train together.

    ``DistributedDataParallel`` waits for the gradient of every parameter behind the output. If a loss leaves out a part
    of the selection, such as the scores, it would wait for ever; so the parameters get a gradient of zero here. The
    scores get none, so that :class:`LessonCheck` sees what teaches them.
    """
    if distributed.is_available() and distributed.is_initialized():
        for parameter in sampler.parameters():
            if parameter.requires_grad:
                logits = logits + 0.0 * parameter.float().sum()
    return logits


def check_slices(slices: Tensor, selection: Selection) -> None:
    """Raise ``ValueError`` unless ``slices`` is ``(B, C, H, W, k)`` with the k of ``selection``."""
    check_volume(slices)
    if slices.size(4) != selection.indices.size(1):
        raise ValueError(
            f"slices must be (B, C, H, W, k) with the k = {selection.indices.size(1)} rows of the selection, "
            f"got {list(slices.shape)}; take them with take_slices(volume, selection)"
        )
