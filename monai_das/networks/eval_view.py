"""A second view of a network, in ``eval()``, that leaves the modes of the network alone."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def eval_view(network: ModuleT) -> ModuleT:
    """Return ``network`` as it would be in ``eval()``: the same parameters and buffers, modes of its own.

    Nothing is copied and no mode of ``network`` changes, so that frozen parts stay frozen and no running statistic
    moves.

    Example:
        >>> layer = nn.BatchNorm1d(2)
        >>> view = eval_view(layer)
        >>> view.training, layer.training, view.weight is layer.weight
        (False, True, True)
    """
    seen: dict[int, nn.Module] = {}
    return _view(network, seen)


def _view(module: ModuleT, seen: dict[int, nn.Module]) -> ModuleT:
    if id(module) not in seen:
        view = copy.copy(module)
        seen[id(module)] = view
        children = {name: None if child is None else _view(child, seen) for name, child in module._modules.items()}
        view.__dict__.update(_modules=children, training=False)
    return seen[id(module)]  # type: ignore[return-value]
