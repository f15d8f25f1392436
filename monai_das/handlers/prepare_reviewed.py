"""What MONAI's trainer hands to network and loss, when cases carry readers' verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor


class DASPrepareReviewed(PrepareBatch):
    """Give the network the image and ``lengths``, and :class:`~monai_das.losses.DASReaderLoss` labels and verdicts.

    For a batch with ``image`` ``(B, C, H, W, D)``, ``label`` ``(B,)``, ``verdicts`` ``(B, 1, H, W, D)`` and
    ``slice_count`` ``(B,)``, as :class:`~monai_das.transforms.SliceVerdictsd` makes it, padded at the end of D where
    the cases differ in it.

    Returns:
        ``(image, {"label": ..., "verdicts": ...}, (), {"lengths": slice_count})``, on the device.

    Raises:
        KeyError: the batch lacks one of them.

    Example:
        ``{"_target_": "SupervisedTrainer", "prepare_batch": {"_target_": "monai_das.handlers.DASPrepareReviewed"}}``
    """

    def __call__(
        self,
        batchdata: Mapping[str, Tensor],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Tensor], tuple[()], dict[str, Tensor]]:
        """Return the parts of ``batchdata``."""

        def moved(key: str) -> Tensor:
            return torch.as_tensor(batchdata[key]).to(device=device, non_blocking=non_blocking, **kwargs)

        target = {"label": moved("label"), "verdicts": moved("verdicts")}
        return moved("image"), target, (), {"lengths": moved("slice_count")}
