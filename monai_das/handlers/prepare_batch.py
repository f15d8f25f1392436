"""What MONAI's trainers pass to network and loss: the image, augmented on the device, its label, and its length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

from monai_das.transforms.pad_slices import LENGTHS

# without them a padded slice could be chosen
HINT = "; collate it with monai_das.transforms.DASPadCollate, which says how many slices of each case are real"
Prepared = tuple[Tensor, Tensor, tuple[()], dict[str, Tensor]]


class DASPrepareBatch(PrepareBatch):
    """Move ``image`` and ``label`` to the device, augment the images there, and hand ``lengths`` to the network.

    Args:
        augment: ``(images (B, C, H, W, D), lengths (B,) or None) -> images``, such as
            :class:`monai_das.transforms.DASRandFlipShift`; None leaves the images as they are.
        lengths_key: key of the number of real slices of each case in a padded batch, which
            :class:`monai_das.transforms.DASPadCollate` writes; None if all cases have one length.

    Returns:
        ``(images, labels, (), {"lengths": lengths})``, without lengths if ``lengths_key`` is None.

    Raises:
        KeyError: the batch lacks one of the keys.

    Example:
        ``{"_target_": "SupervisedTrainer", "prepare_batch": {"_target_": "monai_das.handlers.DASPrepareBatch"}}``
    """

    def __init__(
        self, augment: Callable[[Tensor, Tensor | None], Tensor] | None = None, lengths_key: str | None = None
    ) -> None:
        self.augment = augment
        self.lengths_key = lengths_key

    def __call__(
        self,
        batchdata: Mapping[str, Tensor],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> Prepared:
        """Return the parts of ``batchdata``."""

        def moved(key: str) -> Tensor:
            if key not in batchdata:
                raise KeyError(f"the batch has no {key!r}, but {sorted(batchdata)}{HINT if key == LENGTHS else ''}")
            return torch.as_tensor(batchdata[key]).to(device=device, non_blocking=non_blocking, **kwargs)

        lengths = None if self.lengths_key is None else moved(self.lengths_key)
        images = moved("image")
        if self.augment is not None:
            images = self.augment(images, lengths)
        return images, moved("label"), (), {} if lengths is None else {"lengths": lengths}
