"""Features of a backbone that does not learn, computed once per image of this process."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

# by what the features of a backbone depend on (see identity), then by the pixels of the image
MEMORY: dict[bytes, dict[bytes, Tensor]] = {}
# images that are looked at together: all slices of a batch take gigabytes and leave the cache (24 and 8 ms per image)
FEW = 8
# images that are remembered of one backbone; 1280 numbers of each take 1 GB
LIMIT = 200_000


class FeatureCache:
    """Look up the features of a frozen backbone by the pixels of an image, and compute those that are new.

    Features are of content alone: another backbone, other weights or other settings have their own. A copy shares what
    is known.

    Raises:
        ValueError: a parameter of the backbone learns.
    """

    def __init__(self) -> None:
        self.backbone: nn.Module | None = None
        self.version: tuple[int, ...] = ()
        self.known: dict[bytes, Tensor] = {}

    @torch.no_grad()
    def features(self, backbone: nn.Module, images: Tensor) -> Tensor:
        """Return ``backbone(images)`` of ``images`` ``(N, C, H, W)``, a row per image, without a graph."""
        self.recognise(backbone)
        names = [digest(image) for image in images.permute(0, 2, 3, 1)]
        new = {name: place for place, name in enumerate(names) if name not in self.known}
        fresh: dict[bytes, Tensor] = {}
        if new:
            few = torch.split(images[list(new.values())], FEW)
            fresh = dict(zip(new, (row for part in few for row in backbone(part).clone()), strict=True))
        if len(self.known) + len(fresh) <= LIMIT:
            self.known.update(fresh)
        return torch.stack([fresh[name] if name in fresh else self.known[name] for name in names])

    def recognise(self, backbone: nn.Module) -> None:
        """Turn to what is known of ``backbone``, whose weights may have changed since the last call."""
        version = tuple(tensor._version for tensor in tensors_of(backbone))
        if backbone is self.backbone and version == self.version:
            return
        if any(parameter.requires_grad for parameter in backbone.parameters()):
            raise ValueError(
                "only the features of a frozen backbone can be remembered, this one learns; freeze it, or leave "
                "remember_features out"
            )
        self.backbone, self.version = backbone, version
        self.known = MEMORY.setdefault(identity(backbone), {})


def tensors_of(module: nn.Module) -> list[Tensor]:
    """Return every parameter and buffer of ``module`` once, however many names it has."""
    return [*module.parameters(), *module.buffers()]


def digest(tensor: Tensor) -> bytes:
    """Return 32 bytes that tell the values of ``tensor`` from others."""
    return hashlib.sha256(tensor.detach().cpu().contiguous().numpy().data).digest()


def identity(backbone: nn.Module) -> bytes:
    """Return what the features of ``backbone`` depend on: its weights, its place, and what it was built with."""
    settings = {name: value for name, value in vars(backbone).items() if isinstance(value, int | float | str)}
    weights = [digest(tensor) for tensor in backbone.state_dict().values()]
    device = next((str(tensor.device) for tensor in tensors_of(backbone)), "")
    return repr((type(backbone).__name__, sorted(settings.items()), device)).encode() + b"".join(weights)
