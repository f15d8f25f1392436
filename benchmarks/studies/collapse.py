"""``python -m benchmarks collapse``: does a sampler choose empty slices while its backbone is untrained?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigWorkflow
from torch import Tensor

from benchmarks.engine.job import split_of
from benchmarks.engine.study_cell import study_cell, trained
from monai_das.metrics import empty_share
from monai_das.networks import DASNetwork
from monai_das.networks.eval_view import eval_view
from monai_das.samplers import DASTopVarianceSampler, Selection

HERE = Path(__file__).parent
NOISES = (0.0, 0.01)
MARGIN = 0.05


class Variant(NamedTuple):
    """A config in ``configs/method``, and what is set on top of it."""

    method: str
    settings: Mapping[str, Any]


# slices are weighed by their scores alone: so samplers once collapsed
BY_SCORES = {"network_def#aggregation#attention": None}
AT_ONCE = {"widening_epochs": [0.0, 0.0]}
DEFAULT = Variant("das", {})
VARIANTS = {
    "DASSampler, 28 to 7": DEFAULT,
    "DASGateSampler, 7": Variant("das_gate", BY_SCORES | AT_ONCE),
    "DASGateSampler, 28 to 7": Variant("das_gate", BY_SCORES),
}


class MaskSet(NamedTuple):
    """Volumes ``(N, 1, 28, 28, 28)`` float32 as the network sees them, and the masks without noise."""

    images: Tensor
    masks: Tensor


class EmptyShares:
    """After every epoch note which share of the slices that ``network`` chooses of ``cases`` is empty.

    Attributes:
        shares: one for each epoch so far.
    """

    def __init__(self, network: DASNetwork, cases: MaskSet) -> None:
        self.network = network
        self.cases = cases
        self.shares: list[float] = []

    def attach(self, engine: Engine) -> None:
        """Look after every epoch of the training ``engine``."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Note the share of the present network, as ``eval()`` chooses."""
        self.shares.append(share_of_empty(eval_view(self.network).score, self.cases))


def collapse(
    root: str | PathLike[str] | None,
    epochs: int = 8,
    noise: float = 0.0,
    variant: Variant = DEFAULT,
    *,
    limit: int | None = None,
) -> list[tuple[float, float]]:
    """Train where a sampler once collapsed, and return after each epoch which share of the chosen slices is empty.

    The setting: MobileNetV3-Small from scratch on AdrenalMNIST3D at 28 cubed, 7 of the 28 slices along the first axis.
    A cell of ``configs/data/adrenal28.json``; only the backbone and the noise are the study's own.

    Args:
        root: folder of the data, see :func:`monai_das.datasets.medmnist3d_datalist`; None takes made-up masks.
        epochs: how long to train, at least 1.
        noise: standard deviation of Gaussian noise added to every voxel (masks are 0 and 1), so that no slice is
            constant.
        variant: what to train, such as one of ``VARIANTS``.
        limit: only the first so many volumes for training, and for testing; made-up ones are 400 by default.

    Returns:
        Per epoch the share of empty slices among those chosen in ``eval()`` from the test volumes, for the sampler and
        for :class:`DASTopVarianceSampler`. A slice is empty if the mask without noise is empty.

    Raises:
        ValueError: ``epochs`` is below 1, or ``limit`` is out of range.
        OSError: the data is missing, and cannot be downloaded.
    """
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}")
    overlays = [HERE / "collapse.json"] + ([HERE / "made_up_masks.json"] if root is None else [])
    asked = {"epochs": epochs, "noise": noise, "limit": limit, **variant.settings}
    looks: list[EmptyShares] = []

    def look(workflow: ConfigWorkflow) -> None:
        network = workflow.parser.get_parsed_content("network_def")
        looks.append(EmptyShares(network, mask_set(workflow, noise)))
        looks[0].attach(workflow.parser.get_parsed_content("train#trainer"))

    network = trained(
        study_cell("adrenal28", variant.method, asked, *overlays), None if root is None else str(root), look
    )
    bar = share_of_empty(DASTopVarianceSampler(num_slices=network.sampler.num_slices), looks[0].cases)
    return [(share, bar) for share in looks[0].shares]


def mask_set(workflow: ConfigWorkflow, noise: float) -> MaskSet:
    """Return the test cases of ``workflow``, with noise of their own."""
    masks = split_of(workflow.parser, "test").images
    return MaskSet(masks + noise * torch.randn(masks.shape, generator=torch.Generator().manual_seed(0)), masks)


@torch.no_grad()
def share_of_empty(choose: Callable[[Tensor], Selection], cases: MaskSet) -> float:
    """Return which share of the slices that ``choose`` takes is empty in the clean mask.

    The volumes are as small as thumbnails, so they serve as thumbnails.
    """
    shares = []
    for images, masks in zip(torch.split(cases.images, 64), torch.split(cases.masks, 64), strict=True):
        selection = choose(images)
        shares.append(empty_share(masks, torch.where(selection.kept, selection.indices, -1)))
    return float(torch.cat(shares).mean())


def run_collapse(root: str | PathLike[str] | None, epochs: int = 8, limit: int | None = None) -> tuple[str, bool]:
    """Train each of ``VARIANTS`` with and without noise; return the report, and whether all of them held.

    A variant held if in no epoch its share of empty slices exceeded that of top-variance by more than 0.05. The last
    line of the report is a JSON object, ``{"excess": {variant: largest excess}}``. See :func:`collapse` for the
    arguments.
    """
    lines = ["| sampler, budget | noise | empty share after each epoch | top variance |", "|---|---|---|---|"]
    excess = {}
    for (name, variant), noise in product(VARIANTS.items(), NOISES):
        shares = collapse(root, epochs, noise, variant, limit=limit)
        each = ", ".join(f"{share:.3f}" for share, _ in shares)
        lines.append(f"| {name} | {noise} | {each} | {shares[0][1]:.3f} |")
        excess[f"{name}, noise {noise}"] = round(max(share - bar for share, bar in shares), 4)
    return "\n".join([*lines, json.dumps({"excess": excess})]), max(excess.values()) <= MARGIN
