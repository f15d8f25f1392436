"""Classify slices that were selected while loading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

from monai_das.samplers.selection import new_selection, one_hot_rows


class DASLazyInferer(Inferer):
    """Classify slices that :class:`LoadImageSelectedd` has selected; it does not score them again.

    The selection comes as a keyword of the call, as
    ``monai.engines.PrepareBatchExtraInput(extra_keys={"selection": "image_selection"})`` hands it to a MONAI engine.

    Shape:
        - ``inputs``: ``(B, C, H, W, k)``, the selected slices.
        - ``selection``: ``indices`` ``(B, k)``, ``kept`` ``(B, k)`` and ``scores`` ``(B, D)``.
        - returns logits ``(B, num_classes)``.

    Raises:
        ValueError: the selection is missing, or does not fit ``inputs``.
    """

    def __call__(
        self,
        inputs: Tensor,
        network: Any,
        *args: Any,
        selection: Mapping[str, Tensor] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return the logits of ``network.classify``."""
        if selection is None:
            raise ValueError(
                "DASLazyInferer needs the selection that LoadImageSelectedd made; give the engine "
                'prepare_batch=PrepareBatchExtraInput(extra_keys={"selection": "image_selection"})'
            )
        indices, kept, scores = (
            torch.as_tensor(selection[name], device=inputs.device) for name in ("indices", "kept", "scores")
        )
        rows = one_hot_rows(indices, kept, scores.size(1))
        return network.classify(inputs, new_selection(rows, indices, kept, scores))
