"""Parameter groups that give each sampler the learning rate its method wants."""

from __future__ import annotations

from typing import Any

from torch import nn

from monai_das.samplers.base import Sampler


def sampler_param_groups(network: nn.Module, lr: float) -> list[dict[str, Any]]:
    """Return parameter groups of ``network``: its samplers learn at ``lr`` times their ``lr_multiplier``.

    Works for any optimizer, and in a config: ``"$monai_das.samplers.sampler_param_groups(@network, @learning_rate)"``.
    Each parameter is in exactly one group, frozen ones too (they may be released later); for a sampler inside a
    sampler, the inner one decides. Schedulers that multiply rates (``StepLR``, ``LambdaLR``, cosine) keep the ratio;
    those given absolute rates (``OneCycleLR``) need a list, ``[group["lr"] for group in groups]``.
    ``monai.optimizers.generate_param_groups`` does the same for layers named by hand.

    Args:
        network: any module, samplers anywhere in it (or a sampler itself).
        lr: base learning rate.

    Returns:
        One group ``{"params": [...], "lr": ...}`` per rate in use, none of them empty, in order of first use.

    Example:
        >>> from monai_das.samplers import DPSSampler
        >>> network = nn.ModuleDict({"sampler": DPSSampler(num_slices=2), "head": nn.Linear(3, 2)})
        >>> [group["lr"] for group in sampler_param_groups(network, 0.01)]
        [0.1, 0.01]
    """
    multipliers: dict[int, float] = {}
    for module in network.modules():
        if isinstance(module, Sampler):
            multipliers.update((id(parameter), module.lr_multiplier) for parameter in module.parameters())
    groups: dict[float, dict[str, Any]] = {}
    for parameter in network.parameters():
        multiplier = multipliers.get(id(parameter), 1.0)
        groups.setdefault(multiplier, {"params": [], "lr": lr * multiplier})["params"].append(parameter)
    return list(groups.values())
