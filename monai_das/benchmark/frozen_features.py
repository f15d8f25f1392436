"""Features of a backbone that does not learn, once per image: a sweep shows the same frames again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn

# by the weights of the backbone, then by the pixels of the image; of this process
MEMORY: dict[bytes, dict[bytes, Tensor]] = {}


def digest(tensor: Tensor) -> bytes:
    """Return 16 bytes that tell the values of ``tensor`` from others."""
    return hashlib.blake2b(tensor.detach().contiguous().numpy().tobytes(), digest_size=16).digest()


def memory_of(network: nn.Module) -> AbstractContextManager[None]:
    """Return :func:`remembered_features` of ``network.backbone`` where that is ``frozen``, else nothing to enter."""
    backbone = network.get_submodule("backbone")
    return remembered_features(backbone) if getattr(backbone, "frozen", False) else nullcontext()


@contextmanager
def remembered_features(backbone: nn.Module) -> Iterator[None]:
    """Inside, a frozen ``backbone`` (CPU, float32, one row per image) looks at no image twice, in this process.

    The numbers are the same, and so are its weights and their names; afterwards it looks again. Memory grows by its
    features for every new image: without random shifts that is one per frame and flip. Images that a gradient is to
    reach (of straight-through samplers, and of those that blend slices) are not remembered: features without a graph
    would leave such a sampler untaught.

    Raises:
        ValueError: a parameter of ``backbone`` learns.
    """
    if any(parameter.requires_grad for parameter in backbone.parameters()):
        raise ValueError("only the features of a frozen backbone can be remembered, this one learns; freeze it")
    look = backbone.forward
    known = MEMORY.setdefault(b"".join(digest(tensor) for tensor in backbone.state_dict().values()), {})

    def recall(images: Tensor) -> Tensor:
        return look(images) if torch.is_grad_enabled() and images.requires_grad else remembered(images)

    @torch.no_grad()
    def remembered(images: Tensor) -> Tensor:
        names = [digest(image) for image in images.permute(0, 2, 3, 1)]
        new = {name: place for place, name in enumerate(names) if name not in known}
        if new:
            known.update(zip(new, look(images[list(new.values())]).clone(), strict=True))
        return torch.stack([known[name] for name in names])

    backbone.forward = recall
    try:
        yield
    finally:
        del backbone.forward
