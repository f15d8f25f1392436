"""Let the weights hold what the training cases look like, so that a case unlike them is noticed later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ignite.engine import Engine, Events
from torch import nn

from monai_das.contract.training_cases import TRAINING, TrainingCases
from monai_das.networks import DASNetwork


class DASHoldTrainingCases:
    """Write mean and covariance of the light features of the training cases into the weights.

    This happens before the first step, so that every file of weights of the training holds them. Weights that hold
    them already keep them: what is fine-tuned or resumed has seen those cases.

    Args:
        networks: the network in training, or its ``DistributedDataParallel`` wrapper, and its averages.
        dataset: the items of the training split after the deterministic transforms, without random ones. It is read
            once.
        key: of the image ``(C, H, W, D)`` in an item.
    """

    def __init__(self, networks: Sequence[nn.Module], dataset: Sequence[Mapping[str, Any]], key: str = "image") -> None:
        self.networks = networks
        self.dataset = dataset
        self.key = key

    def attach(self, engine: Engine) -> None:
        """Write before the training ``engine`` starts."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Write, unless the networks hold training cases."""
        networks = [
            each.module if isinstance(each, nn.parallel.DistributedDataParallel) else each for each in self.networks
        ]
        waiting = [each for each in networks if isinstance(each, DASNetwork) and TRAINING not in each.contract.read()]
        if not waiting:
            return
        images = (self.dataset[number][self.key] for number in range(len(self.dataset)))
        found = TrainingCases.of_images(images, waiting[0].thumbnail_size)
        if found is not None:
            for network in waiting:
                network.contract.write({**network.contract.read(), TRAINING: found.as_dict()})
