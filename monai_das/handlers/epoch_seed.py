"""Seed every epoch by its number, so that a resumed training draws what an uninterrupted one would have drawn."""

from __future__ import annotations

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.transforms.compose import Compose


class DASEpochSeed:
    """At the start of epoch e of the process with rank r, seed torch and the transforms with ``seed``, e and r.

    Order of cases, augmentation and the noise of the samplers then depend on the epoch alone, not on what was drawn
    before. Each rank has a seed of its own, because all processes would draw the same noise otherwise. MONAI itself
    sets the order of cases under ``DistributedSampler`` (``set_epoch``).

    Args:
        seed: the seed of the training.
        transforms: the transforms of the training set, for data loaders without workers; a loader with workers seeds
            its copies from torch.

    Example:
        >>> seeds = DASEpochSeed(seed=7)
        >>> seeds.seed_of(epoch=2, rank=0) == seeds.seed_of(epoch=2, rank=1)
        False
    """

    def __init__(self, seed: int, transforms: Compose | None = None) -> None:
        self.seed = seed
        self.transforms = transforms

    def seed_of(self, epoch: int, rank: int) -> int:
        """Return the seed, below 2**32, of an epoch in a process; unrelated between seeds, epochs and ranks."""
        return int(np.random.SeedSequence((self.seed, epoch, rank)).generate_state(1)[0])

    def attach(self, engine: Engine) -> None:
        """Seed at the start of every epoch of the training ``engine``."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Seed for the engine's present epoch and this process."""
        seed = self.seed_of(engine.state.epoch, idist.get_rank())
        torch.manual_seed(seed)
        if self.transforms is not None:
            self.transforms.set_random_state(seed=seed)
