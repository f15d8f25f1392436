"""A 3-D network on the shortened volume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import torch
from torch import Tensor, nn

from monai_das.networks.aggregation import kept_scores
from monai_das.networks.base import DASNetwork, check_slices, plain, precision_of
from monai_das.networks.depth_probe import check_depth
from monai_das.samplers import Sampler, Selection
from monai_das.samplers.selection import may_look


class DASVolumeClassifier(DASNetwork):
    """Classify a volume or clip by a 3-D network that sees only the k kept slices, as ``(B, C, H, W, k)``.

    Kept slices stay in order; rows that are not kept are zero. The gate scales the slice in row i by

        ``2 * sigmoid(score_i - mean of the kept scores)``

    which lies in (0, 2) and is exactly 1 for equal scores, so that the task loss reaches the scores. The scores must be
    logits of the order of 1, as learned samplers give; otherwise set ``gate=False``. Nothing here teaches a sampler:
    use ``DASGateSampler``, which learns through the gate.

    With ``num_slices`` the backbone always sees k slices, zeros where a case has fewer. With ``fraction``, or
    ``DASFullSampler``, k follows the depth: in ``eval()`` each case of a padded batch is then seen alone, at its own
    depth, so that its answer does not depend on the others; in ``train()`` zeros fill the batch.

    Args:
        sampler: chooses the slices.
        backbone: any 3-D network, ``(B, C, H, W, k) -> (B, num_classes)``; k must suit it (some nets halve it 5 times).
        thumbnail_size: side of the thumbnails the sampler sees, in pixels.
        gate: scale the slices by the sampler's scores.
        detach_choice, contract: see :class:`DASNetwork`.

    Raises:
        ValueError: the backbone takes deeper volumes but not k slices, see :func:`check_depth`; and in use: see
            :class:`DASNetwork`, or ``lengths`` are given while ``torch.compile`` or ``torch.export`` makes a graph,
            and k follows the depth.

    Example:
        >>> import torch
        >>> from monai_das.networks import DASMobileNetV3Small
        >>> from monai_das.samplers import DASUniformSampler
        >>> backbone = DASMobileNetV3Small(spatial_dims=3, in_channels=1, num_classes=2)
        >>> net = DASVolumeClassifier(DASUniformSampler(num_slices=8), backbone).eval()
        >>> net(torch.rand(2, 1, 48, 40, 30)).shape
        torch.Size([2, 2])
    """

    def __init__(
        self,
        sampler: Sampler,
        backbone: nn.Module,
        thumbnail_size: int = 64,
        gate: bool = True,
        detach_choice: bool = False,
        contract: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(sampler, thumbnail_size, detach_choice, contract)
        if sampler.num_slices > 0:
            check_depth(backbone, sampler.num_slices)
        self.backbone = backbone
        self.precision = precision_of(backbone)
        self.gate: bool = gate

    @torch.jit.export
    def classify(self, slices: Tensor, selection: Selection) -> Tensor:
        """Return logits ``(B, num_classes)`` float32 of the chosen ``slices`` ``(B, C, H, W, k)``."""
        image = plain(slices).float()
        check_slices(image, selection)
        scale = selection.kept.float()
        if self.gate:
            scale = scale * slice_gate(selection)
        image = (image * scale[:, None, None, None, :]).to(self.precision.dtype)
        if not self.training and self.sampler.num_slices == 0 and may_look():
            return self.each_alone(image, selection.kept.sum(dim=1))
        logits: Tensor = self.backbone(image)
        return logits.float()

    def each_alone(self, image: Tensor, counts: Tensor) -> Tensor:
        """Return logits of ``image`` ``(B, C, H, W, k)``, of which each case has ``counts`` ``(B,)`` slices."""
        if bool((counts == image.size(4)).all()):
            together: Tensor = self.backbone(image)
            return together.float()
        logits: list[Tensor] = []
        for case in range(image.size(0)):
            logits.append(self.backbone(image[case : case + 1, :, :, :, : int(counts[case])]))
        return torch.cat(logits).float()

    @torch.jit.unused
    def check_graph(self, lengths: Optional[Tensor]) -> None:
        """Raise ``ValueError`` if a graph is made for ``lengths`` while k follows the depth."""
        if lengths is not None and self.sampler.num_slices == 0 and not self.training and not may_look():
            raise ValueError(
                f"{type(self.sampler).__name__} keeps more slices of a longer case, which a compiled or exported 3-D "
                "network cannot take; leave out lengths and give cases of one depth, or give num_slices"
            )


def slice_gate(selection: Selection) -> Tensor:
    """Return ``2 * sigmoid(score - mean of the kept scores)`` of each row, ``(B, k)`` float32."""
    scores = kept_scores(selection)
    kept = selection.kept.float()
    mean = (scores * kept).sum(dim=1, keepdim=True) / kept.sum(dim=1, keepdim=True).clamp(min=1.0)
    return 2.0 * torch.sigmoid(scores - mean)
