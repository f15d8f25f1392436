"""Show in TensorBoard what the sampler chooses: scores, sampling matrix and the chosen slices of a few cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.handlers.tensorboard_handlers import TensorBoardHandler
from monai.handlers.utils import from_engine
from torch import Tensor

from monai_das.handlers.metrics import chosen_indices, selection_of
from monai_das.handlers.pictures import matrix_picture, montage, score_picture
from monai_das.networks import DASNetwork
from monai_das.samplers import take_slices


class DASSelectionToTensorBoard(TensorBoardHandler):
    """After every validation write, for its first cases, scores, sampling matrix and chosen slices as pictures.

    Attach it to the evaluator. The tags are ``selection_0/scores``, ``selection_0/matrix`` and
    ``selection_0/slices`` for the first case, and so on; the step is the epoch.

    Args:
        network: the network whose ``score`` chooses, without a ``DistributedDataParallel`` wrapper.
        log_dir: folder of the event file, as given to ``TensorBoardStatsHandler``.
        num_cases: how many cases to show, at most the first batch.
        interval: write at every so many validations.
        output_transform: takes the engine's output, returns the volumes: ``(B, C, H, W, D)`` or a list of
            ``(C, H, W, D)``.
        summary_writer: a writer to share, instead of a new one in ``log_dir``.

    Raises:
        ValueError: ``num_cases`` or ``interval`` is below 1.
    """

    def __init__(
        self,
        network: DASNetwork,
        log_dir: str = "./runs",
        num_cases: int = 2,
        interval: int = 1,
        output_transform: Callable[[Any], Any] = from_engine("image"),  # noqa: B008 - a pure function
        summary_writer: Any = None,
    ) -> None:
        if num_cases < 1 or interval < 1:
            raise ValueError(f"num_cases and interval must be at least 1, got {num_cases=} and {interval=}")
        super().__init__(summary_writer=summary_writer, log_dir=log_dir)
        self.network = network
        self.num_cases = num_cases
        self.interval = interval
        self.output_transform = output_transform
        self.volumes: list[Tensor] = []

    def attach(self, engine: Engine) -> None:
        """Keep the first batch of every validation of ``engine``, and draw it when the validation is over."""
        engine.add_event_handler(Events.EPOCH_STARTED, self.forget)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.remember)
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval), self.write)

    def forget(self, engine: Engine) -> None:
        """Drop the cases of the last validation."""
        self.volumes = []

    def remember(self, engine: Engine) -> None:
        """Keep the first cases of the first batch."""
        if not self.volumes:
            self.volumes = [volume.detach() for volume in self.output_transform(engine.state.output)][: self.num_cases]

    def write(self, engine: Engine) -> None:
        """Write the pictures of the kept cases with the engine's epoch as step."""
        for number, volume in enumerate(self.volumes):
            self.write_case(f"selection_{number}", torch.as_tensor(volume)[None], engine.state.epoch)
        self._writer.flush()

    def write_case(self, tag: str, volume: Tensor, step: int) -> None:
        """Write the three pictures of one ``volume`` ``(1, C, H, W, D)``."""
        selection = selection_of(self.network, volume)
        chosen = chosen_indices(selection)[0]
        slices = take_slices(volume, selection)[0][..., chosen >= 0]
        self._writer.add_image(f"{tag}/scores", score_picture(selection.scores[0], chosen), step)
        self._writer.add_image(f"{tag}/matrix", matrix_picture(selection.weights[0]), step)
        self._writer.add_image(f"{tag}/slices", montage(slices), step)
