"""Features of a backbone that does not learn, computed once per image of this process."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

from monai_das.networks.eval_view import eval_view

Setting = int | float | str | tuple[object, ...]

# by what the features of a backbone depend on (see identity), then by the pixels of the image
MEMORY: dict[bytes, dict[bytes, Tensor]] = {}
# images that are looked at together: all slices of a batch take gigabytes and leave the cache (24 and 8 ms per image)
FEW = 8
# images that are remembered of one backbone; 1280 numbers of each take 1 GB
LIMIT = 200_000


class FeatureCache:
    """Look up the features of a frozen backbone by the pixels of an image, and compute those that are new.

    Features are those of ``eval()``, whatever the mode: nothing that is drawn by chance is remembered. They are of
    content alone: another backbone, other weights or other settings have their own. A copy starts without features and
    finds what is known to this process.

    Raises:
        ValueError: a parameter of the backbone learns.
    """

    def __init__(self) -> None:
        self.view = nn.Module()
        self.version: tuple[object, ...] = ()
        self.known: dict[bytes, Tensor] = {}

    def __reduce__(self) -> tuple[type[FeatureCache], tuple[()]]:
        """Leave the features behind: copies and files of a network need none."""
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
        """Turn to what is known of ``backbone``, whose weights may have changed since the last call."""
        if any(parameter.requires_grad for parameter in backbone.parameters()):
            raise ValueError(
                "only the features of a frozen backbone can be remembered, this one learns; freeze it, or leave "
                "remember_features out"
            )
        # by its tensors, which a view of the backbone shares; to() keeps them and moves what they hold
        tensors = tensors_of(backbone)
        held = [(id(tensor), tensor._version, tensor.data_ptr()) for tensor in tensors]
        version = (*held, precision(tensors))
        if held and version == self.version:
            return
        self.view, self.version = eval_view(backbone), version
        self.known = MEMORY.setdefault(identity(self.view), {})


def tensors_of(module: nn.Module) -> list[Tensor]:
    """Return every parameter and buffer of ``module`` once, however many names it has."""
    return [*module.parameters(), *module.buffers()]


def digest(tensor: Tensor) -> bytes:
    """Return 32 bytes that tell ``tensor`` from others, by its values, shape and dtype."""
    found = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
    # as bytes: NumPy has no bfloat16
    found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.digest()


def precision(tensors: list[Tensor]) -> str:
    """Return where a backbone with ``tensors`` computes, and in which precision if autocast decides that."""
    device = tensors[0].device if tensors else torch.device("cpu")
    return f"{device} {torch.is_autocast_enabled(device.type) and torch.get_autocast_dtype(device.type)}"


def identity(backbone: nn.Module) -> bytes:
    """Return what the features of ``backbone`` depend on: weights, device, and what its parts were built with."""
    parts = [(name, str(type(part)), settings_of(part)) for name, part in backbone.named_modules()]
    weights = [digest(tensor) for tensor in backbone.state_dict().values()]
    return repr((parts, precision(tensors_of(backbone)))).encode() + b"".join(weights)


def settings_of(part: nn.Module) -> list[tuple[str, Setting]]:
    """Return what ``part`` was built with, by name: numbers, words, tuples of them as a stride, functions."""
    kept = (name_value for name_value in vars(part).items() if isinstance(name_value[1], int | float | str | tuple))
    called = ((name, repr(value)) for name, value in vars(part).items() if callable(value))
    return sorted([*kept, *called], key=lambda setting: setting[0])
