"""Features of a backbone that does not learn, computed once per image of this process."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

from monai_das.networks.eval_view import eval_view

Setting = int | float | str

# by what the features of a backbone depend on (see identity), then by the pixels of the image
MEMORY: dict[bytes, dict[bytes, Tensor]] = {}
# images that are looked at together: all slices of a batch take gigabytes and leave the cache (24 and 8 ms per image)
FEW = 8
# images that are remembered of one backbone; 1280 numbers of each take 1 GB
LIMIT = 200_000


class FeatureCache:
    """Look up the features of a frozen backbone by the pixels of an image, and compute those that are new.

    Features are computed in ``eval()``, whatever the mode, so that nothing random is remembered. They depend on content
    alone: another backbone, other weights or other settings have features of their own. A copy of the cache starts
    empty, and finds what this process already knows.

    Raises:
        ValueError: a parameter of the backbone learns.
    """

    def __init__(self) -> None:
        self.view = nn.Module()
        self.version: tuple[tuple[int, int], ...] = ()
        self.known: dict[bytes, Tensor] = {}

    def __reduce__(self) -> tuple[type[FeatureCache], tuple[()]]:
        """Drop the features: copies and files of a network do not need them."""
        return FeatureCache, ()

    @torch.no_grad()
    def features(self, backbone: nn.Module, images: Tensor) -> Tensor:
        """Return ``backbone(images)`` of ``images`` ``(N, C, H, W)``, a row per image, without a graph."""
        self.recognise(backbone)
        names = [digest(image) for image in images.permute(0, 2, 3, 1)]
        new = {name: place for place, name in enumerate(names) if name not in self.known}
        fresh: dict[bytes, Tensor] = {}
        if new:
            few = torch.split(images[list(new.values())], FEW)
            fresh = dict(zip(new, (row for part in few for row in self.view(part).clone()), strict=True))
        if len(self.known) + len(fresh) <= LIMIT:
            self.known.update(fresh)
        return torch.stack([fresh[name] if name in fresh else self.known[name] for name in names])

    def recognise(self, backbone: nn.Module) -> None:
        """Switch to the known features of ``backbone``, whose weights may have changed since the last call."""
        # by its tensors, which a view of the backbone shares
        version = tuple((id(tensor), tensor._version) for tensor in tensors_of(backbone))
        if version and version == self.version:
            return
        if any(parameter.requires_grad for parameter in backbone.parameters()):
            raise ValueError(
                "only the features of a frozen backbone can be remembered, this one learns; freeze it, or leave "
                "remember_features out"
            )
        self.view, self.version = eval_view(backbone), version
        self.known = MEMORY.setdefault(identity(self.view), {})


def tensors_of(module: nn.Module) -> list[Tensor]:
    """Return every parameter and buffer of ``module`` once, however many names it has."""
    return [*module.parameters(), *module.buffers()]


def digest(tensor: Tensor) -> bytes:
    """Return 32 bytes that tell the values of ``tensor`` from others."""
    return hashlib.sha256(tensor.detach().cpu().contiguous().numpy().data).digest()


def identity(backbone: nn.Module) -> bytes:
    """Return what the features of ``backbone`` depend on: weights, device, and what its parts were built with."""
    parts = [(name, type(part).__name__, settings_of(part)) for name, part in backbone.named_modules()]
    weights = [digest(tensor) for tensor in backbone.state_dict().values()]
    device = next((str(tensor.device) for tensor in tensors_of(backbone)), "")
    return repr((parts, device)).encode() + b"".join(weights)


def settings_of(part: nn.Module) -> list[tuple[str, Setting]]:
    """Return the numbers and words that ``part`` was built with, by name."""
    return sorted((name, value) for name, value in vars(part).items() if isinstance(value, int | float | str))
