"""Features of a backbone that does not learn, once per image: a sweep shows the same frames again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Optional, TypeGuard

import torch
from torch import Tensor, nn

from monai_das.networks import DASNetwork, DASSliceClassifier
from monai_das.samplers import take_slices
from monai_das.samplers.selection import real_slices, slice_mask

# by the backbone (see identity), then by the pixels of the image; of this process
MEMORY: dict[bytes, dict[bytes, Tensor]] = {}
# images that are looked at together: all slices of a batch take gigabytes and leave the cache (24 and 8 ms per image)
FEW = 8


def digest(tensor: Tensor) -> bytes:
    """Return 32 bytes that tell the values of ``tensor`` from others."""
    return hashlib.sha256(tensor.detach().contiguous().numpy().data).digest()


def identity(backbone: nn.Module) -> bytes:
    """Return what the features of ``backbone`` depend on: its weights, and the numbers that it was built with."""
    settings = {name: value for name, value in vars(backbone).items() if isinstance(value, int | float | str)}
    weights = b"".join(digest(tensor) for tensor in backbone.state_dict().values())
    return repr(sorted(settings.items())).encode() + weights


def remembers(network: DASNetwork) -> TypeGuard[DASSliceClassifier]:
    """Return whether :func:`memory_of` remembers features of ``network``: its backbone is ``frozen``."""
    return isinstance(network, DASSliceClassifier) and bool(getattr(network.backbone, "frozen", False))


def memory_of(network: DASNetwork) -> AbstractContextManager[None]:
    """Return :func:`blended_features` of ``network`` where that :func:`remembers`, else nothing to enter."""
    if remembers(network):
        return blended_features(network)
    return nullcontext()


@contextmanager
def blended_features(network: DASSliceClassifier) -> Iterator[None]:
    """Inside, the frozen backbone is :func:`remembered_features`, and samplers blend these where they blended pixels.

    A sampling matrix that carries a gradient (straight-through, or an expectation) is multiplied by the features of all
    slices, which are remembered, instead of by all slices: its sampler learns without one look through the backbone.
    Which slices are seen is the same, and so are the features of kept ones; where the backbone is linear, all is.
    """

    def forward(volume: Tensor, lengths: Optional[Tensor] = None) -> Tensor:
        selection = network.score(network.thumbnails(volume), lengths)
        if not selection.weights.requires_grad:
            return network.classify(take_slices(volume, selection), selection)
        real = slice_mask(real_slices(selection.scores, lengths), volume.size(4))
        features = torch.zeros(*real.shape, network.num_features)
        features[real] = network.described(volume.permute(0, 4, 2, 3, 1)[real])
        blended = take_slices(features.permute(0, 2, 1)[:, :, None, None], selection)
        return network.conclude(blended[:, :, 0, 0].transpose(1, 2), selection)

    with remembered_features(network.backbone):
        network.forward = forward  # type: ignore[method-assign]
        try:
            yield
        finally:
            del network.forward


@contextmanager
def remembered_features(backbone: nn.Module) -> Iterator[None]:
    """Inside, a frozen ``backbone`` (CPU, float32, one row per image) looks at no image twice, in this process.

    The numbers are the same, and so are its weights and their names; afterwards it looks again. Memory grows by its
    features for every new image: without random shifts that is one per frame and flip. An image that a gradient is to
    reach is looked at: features without a graph would leave a sampler untaught that learns through pixels.

    Raises:
        ValueError: a parameter of ``backbone`` learns.
    """
    if any(parameter.requires_grad for parameter in backbone.parameters()):
        raise ValueError("only the features of a frozen backbone can be remembered, this one learns; freeze it")
    look = backbone.forward
    known = MEMORY.setdefault(identity(backbone), {})

    def recall(images: Tensor) -> Tensor:
        return look(images) if torch.is_grad_enabled() and images.requires_grad else remembered(images)

    @torch.no_grad()
    def remembered(images: Tensor) -> Tensor:
        names = [digest(image) for image in images.permute(0, 2, 3, 1)]
        new = {name: place for place, name in enumerate(names) if name not in known}
        if new:
            few = torch.split(images[list(new.values())], FEW)
            known.update(zip(new, (row for part in few for row in look(part).clone()), strict=True))
        return torch.stack([known[name] for name in names])

    backbone.forward = recall
    try:
        yield
    finally:
        del backbone.forward
