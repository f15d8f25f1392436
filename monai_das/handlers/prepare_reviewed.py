"""What MONAI's trainer passes to network and loss when cases carry readers' verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

from monai_das.handlers.prepare_batch import DASPrepareBatch


class DASPrepareReviewed(PrepareBatch):
    """Give the network the image and ``lengths``, and :class:`~monai_das.losses.DASReaderLoss` labels and verdicts.

    For a batch with ``image`` ``(B, C, H, W, D)``, ``label`` ``(B,)``, ``verdicts`` ``(B, 1, H, W, D)`` and
    ``slice_count`` ``(B,)``, as :class:`~monai_das.transforms.SliceVerdictsd` makes it, padded at the end of D where
    the cases differ in it.

    Args:
        with_label: whether the class is learned too; without it the loss gets verdicts alone, and slices alone teach.

    Returns:
        ``(image, {"label": ..., "verdicts": ...}, (), {"lengths": slice_count})``, on the device.

    Raises:
        KeyError: the batch lacks one of them.

    Example:
        ``{"_target_": "SupervisedTrainer", "prepare_batch": {"_target_": "monai_das.handlers.DASPrepareReviewed"}}``
    """

    def __init__(self, with_label: bool = True) -> None:
        self.with_label = with_label
        self.prepare = DASPrepareBatch(lengths_key="slice_count")

    def __call__(
        self,
        batchdata: Mapping[str, Tensor],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Tensor], tuple[()], dict[str, Tensor]]:
        """Return the parts of ``batchdata``."""
        images, labels, _, extra = self.prepare(batchdata, device, non_blocking, **kwargs)
        verdicts = torch.as_tensor(batchdata["verdicts"]).to(device=device, non_blocking=non_blocking, **kwargs)
        return images, {"label": labels, "verdicts": verdicts} if self.with_label else {"verdicts": verdicts}, (), extra
