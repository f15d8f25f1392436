"""Metrics as Ignite handlers, for ``key_val_metric`` and ``additional_metrics`` of MONAI's evaluators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from monai.handlers.ignite_metric import IgniteMetricHandler
from torch import Tensor

from monai_das.metrics import DASBalancedAccuracyMetric, DASSelectionMetric
from monai_das.networks import DASNetwork
from monai_das.samplers import Selection


class DASBalancedAccuracy(IgniteMetricHandler):
    """Balanced accuracy of an engine, see :class:`monai_das.metrics.DASBalancedAccuracyMetric`.

    Args:
        output_transform: takes the engine's output, returns predictions and true labels, each batch first or a list.
        threshold: of two classes, the second is the answer from this probability on; None: the most probable is.

    Example:
        >>> metric = DASBalancedAccuracy(output_transform=lambda output: (output["pred"], output["label"]))
    """

    def __init__(
        self, output_transform: Callable[[Any], Any] = lambda output: output, threshold: float | None = None
    ) -> None:
        super().__init__(DASBalancedAccuracyMetric(threshold), output_transform=output_transform, save_details=False)


class DASSelectionQuality(IgniteMetricHandler):
    """Share of empty, distinct or covered slices in the selections of an engine's volumes.

    The network's sampler selects again for this metric, in the mode that the network is in.

    Args:
        network: the network whose ``score`` chooses, without a ``DistributedDataParallel`` wrapper.
        measure: ``"empty"``, ``"distinct"`` or ``"covered"``, see :class:`monai_das.metrics.DASSelectionMetric`.
        tolerance: the largest difference within a slice, in units of intensity, at which it counts as empty.
        output_transform: takes the engine's output, returns volumes: ``(B, C, H, W, D)`` or a list of
            ``(C, H, W, D)``.

    Example:
        >>> from monai_das.networks import DASMobileNetV3Small, DASSliceClassifier
        >>> from monai_das.samplers import DASTopVarianceSampler
        >>> network = DASSliceClassifier(DASTopVarianceSampler(num_slices=4), DASMobileNetV3Small(in_channels=1), 2)
        >>> metric = DASSelectionQuality(network, "empty", output_transform=lambda output: output["image"])
    """

    def __init__(
        self,
        network: DASNetwork,
        measure: str = "empty",
        tolerance: float = 0.0,
        output_transform: Callable[[Any], Any] = lambda output: output,
    ) -> None:
        super().__init__(DASSelectionMetric(measure, tolerance), output_transform=output_transform, save_details=False)
        self.network = network

    def update(self, output: Tensor | Sequence[Any]) -> None:
        """Choose slices of the volumes and count them."""
        for volume in output:
            selection = selection_of(self.network, volume[None])
            super().update((volume[None], chosen_indices(selection)))


def selection_of(network: DASNetwork, volume: Tensor) -> Selection:
    """Return what the sampler of ``network`` chooses of ``volume`` ``(B, C, H, W, D)``, without gradient."""
    with torch.no_grad():
        selection: Selection = network.score(network.thumbnails(volume))
    return selection


def chosen_indices(selection: Selection) -> Tensor:
    """Return ``(B, k)`` int64: the indices of a selection, -1 in rows that keep no slice."""
    return selection.indices.masked_fill(~selection.kept, -1)
