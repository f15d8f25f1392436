"""A 2-D network on every kept slice, then one vector per case, then a linear head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from monai_das.networks.aggregation import DASAggregation, DASAttentionAggregation, weighted_sum
from monai_das.networks.base import DASNetwork, anchored, check_slices, plain, precision_of
from monai_das.networks.design_aggregation import DASDesignAggregation, divergence, every_slice
from monai_das.networks.feature_cache import FeatureCache
from monai_das.networks.output import DASOutput
from monai_das.networks.taught_head import DASTaughtHead
from monai_das.samplers import Sampler, Selection, take_slices
from monai_das.samplers.features import exporting
from monai_das.samplers.selection import lowest


class DASSliceClassifier(DASNetwork):
    """Classify a volume or clip by a 2-D backbone that sees only the slices a sampler keeps.

    Scoring is done once, on thumbnails; in ``eval()`` the slices are gathered by index. Slices are converted to
    float32 once taken (mixed precision is autocast's matter), in ``channels_last``, which is 2 to 5 times faster.
    In ``train()`` rows that are not kept are left out, so that batch norms never see them; in ``eval()`` they are
    computed and masked, which keeps all shapes static for export.

    Args:
        sampler: chooses the slices.
        backbone: any 2-D network, ``(N, C, H, W) -> (N, F)`` or ``(N, F, h, w)``; the latter is averaged over pixels.
        num_classes: width of the logits.
        aggregation: how features of slices become one vector; by default by attention over them, which teaches samplers
            that must be taught (``Sampler.taught``).
        num_features: F; by default ``backbone.num_features``.
        thumbnail_size: side of the thumbnails the sampler sees, in pixels.
        dropout_prob: dropout before the linear head.
        average_flips: in ``eval()``, the mean logits of the chosen slices and of their flips up-down, left-right and
            both, for networks trained with such flips. The choice is made once; the backbone costs four times as much.
        detach_choice, contract: see :class:`DASNetwork`.
        remember_features: compute the features of each slice once in this process and look them up from then on, for
            a backbone that is frozen. Samplers that blend slices in ``train()`` then blend features instead, so that
            they learn without a pass through the backbone. It pays where augmentation repeats images: flips, but no
            random shifts.

    Raises:
        ValueError: ``num_features`` is not given and the backbone does not tell; ``num_classes`` is below 1; and in
            use: see :class:`DASNetwork`, or the backbone's features are not ``num_features`` wide.

    Example:
        >>> import torch
        >>> from monai_das.networks import DASMeanAggregation, DASMobileNetV3Small
        >>> from monai_das.samplers import DASUniformSampler
        >>> backbone = DASMobileNetV3Small(in_channels=1)
        >>> net = DASSliceClassifier(DASUniformSampler(num_slices=4), backbone, 2, DASMeanAggregation()).eval()
        >>> net(torch.rand(2, 1, 48, 40, 30), lengths=torch.tensor([30, 17])).shape
        torch.Size([2, 2])
        >>> net.score(net.thumbnails(torch.rand(2, 1, 48, 40, 30))).indices.shape
        torch.Size([2, 4])
    """

    def __init__(  # noqa: PLR0913 - each part of the network, and how it is used
        self,
        sampler: Sampler,
        backbone: nn.Module,
        num_classes: int,
        aggregation: DASAggregation | None = None,
        num_features: int | None = None,
        thumbnail_size: int = 64,
        dropout_prob: float = 0.2,
        average_flips: bool = False,
        detach_choice: bool = False,
        remember_features: bool = False,
        contract: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(sampler, thumbnail_size, detach_choice, contract)
        width = getattr(backbone, "num_features", None) if num_features is None else num_features
        if not isinstance(width, int):
            raise ValueError(
                f"num_features is needed: {type(backbone).__name__} has no num_features; "
                "give the F of its output (N, F) or (N, F, h, w)"
            )
        if num_classes < 1:
            raise ValueError(f"num_classes must be at least 1, got {num_classes}")
        self.num_features: int = width
        self.average_flips: bool = average_flips
        self.remember_features: bool = remember_features
        self.cache = FeatureCache()
        self.backbone = backbone
        self.precision = precision_of(backbone)
        if aggregation is None:
            aggregation = DASDesignAggregation(width) if sampler.taught else DASAttentionAggregation(width)
        self.aggregation = aggregation
        self.dropout = nn.Dropout(dropout_prob)
        taught = isinstance(aggregation, DASDesignAggregation)
        self.head = DASTaughtHead(width, num_classes) if taught else nn.Linear(width, num_classes)

    @torch.jit.export
    def classify(self, slices: Tensor, selection: Selection) -> Tensor:
        """Return logits ``(B, num_classes)`` float32 of the chosen ``slices`` ``(B, C, H, W, k)``."""
        image = plain(slices).float()
        logits = self.conclude(self.features_of(image, selection), selection)
        if self.average_flips and not self.training:
            for axes in ([2], [3], [2, 3]):
                logits = logits + self.conclude(self.features_of(image.flip(axes), selection), selection)
            logits = logits / 4.0
        return logits

    @torch.jit.unused
    def learn(self, image: Tensor, selection: Selection, complete: bool = False) -> DASOutput:
        """Return logits and the selection, in its penalty the lesson of an aggregation that teaches the sampler."""
        used = self.used(selection)
        able = isinstance(self.aggregation, DASDesignAggregation) and isinstance(self.head, DASTaughtHead)
        if able and cast(DASDesignAggregation, self.aggregation).teaches(self.sampler, used):
            return self.learn_from_all(image, selection)
        if self.remember_features and used.weights.requires_grad:
            features = self.blended_features(image.float(), used)
        else:
            features = self.features_of(take_slices(image, used).float(), used, complete)
        return DASOutput(self.conclude(features, used), selection)

    @torch.jit.unused
    def learn_from_all(self, image: Tensor, selection: Selection) -> DASOutput:
        """Return the answer from few slices, and in the selection that from all and in its penalty what this teaches.

        The backbone sees each slice once. The view of all slices teaches the scores, and the answer from few of them.
        """
        teacher, head = cast(DASDesignAggregation, self.aggregation), cast(DASTaughtHead, self.head)
        whole = every_slice(selection)
        features = self.features_of(image.float(), whole)
        chosen = torch.gather(features, 1, selection.indices[:, :, None].expand(-1, -1, features.size(2)))
        answer = head.of_all(self.dropout(teacher(features, whole))).float()
        few = weighted_sum(chosen, teacher.weights(chosen, selection, settled=True))
        short = head.of_few(self.dropout(few)).float()
        missed = divergence(torch.softmax(answer.detach(), dim=1), torch.log_softmax(short, dim=1))
        lesson = teacher.shares_lesson(features.detach(), whole, head.weight)
        penalty = selection.penalty + teacher.distillation_weight * lesson + 0.5 * missed
        # of a loss of the logits alone, attention and head learn nothing, and nobody waits for them
        logits = anchored(anchored(short, teacher), head)
        return DASOutput(logits, selection._replace(penalty=penalty, whole=answer))

    def features_of(self, image: Tensor, selection: Selection, complete: bool = False) -> Tensor:
        """Return the features ``(B, k, F)`` float32 of the slices ``image`` ``(B, C, H, W, k)``, seen as they are."""
        check_slices(image, selection)
        # clone, not contiguous: that would keep the odd strides of axes of length 1, and conv2d reads strides
        images = image.permute(0, 4, 2, 3, 1).clone(memory_format=torch.contiguous_format).flatten(0, 1)
        if self.training and not complete:
            rows = selection.kept.flatten().nonzero()[:, 0]
            if not torch.jit.is_scripting():  # type: ignore[attr-defined]
                # a case keeps at least one slice, which torch.compile cannot know
                torch._check(rows.size(0) > 0)  # type: ignore[no-untyped-call]
            features = torch.zeros(images.size(0), self.num_features, device=image.device)
            features[rows] = self.described(images[rows])
        else:
            features = self.described(images)
        return features.view(image.size(0), image.size(4), self.num_features)

    @torch.jit.unused
    def blended_features(self, image: Tensor, selection: Selection) -> Tensor:
        """Return the features ``(B, k, F)`` of the slices, blended by the sampling matrix as the slices would be.

        They equal the features of the blended slices if the sampling matrix is hard, or if the backbone is linear.
        """
        real = selection.scores > 0.5 * lowest()
        features = torch.zeros(*real.shape, self.num_features, device=image.device)
        features[real] = self.described(image.permute(0, 4, 2, 3, 1)[real])
        blended = take_slices(features.permute(0, 2, 1)[:, :, None, None], selection)
        return blended[:, :, 0, 0].transpose(1, 2)

    def conclude(self, features: Tensor, selection: Selection) -> Tensor:
        """Return the logits ``(B, num_classes)`` float32 of the slices with ``features`` ``(B, k, F)``."""
        logits: Tensor = self.head(self.dropout(self.aggregation(features, selection)))
        return logits.float()

    def described(self, images: Tensor) -> Tensor:
        """Return features ``(N, F)`` float32 of ``images`` ``(N, H, W, C)``, contiguous, that is ``channels_last``."""
        features = self.seen(images.permute(0, 3, 1, 2).to(self.precision.dtype))
        features = features.float()
        if features.dim() > 2:
            features = features.flatten(2).mean(2)
        if features.size(1) != self.num_features:
            raise ValueError(
                f"the backbone must return (N, {self.num_features}) or (N, {self.num_features}, h, w), "
                f"got {features.size(1)} features; give num_features={features.size(1)}"
            )
        return features

    def seen(self, images: Tensor) -> Tensor:
        """Return the output of the backbone for ``images`` ``(N, C, H, W)``, looked up if it is remembered."""
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            scripted: Tensor = self.backbone(images)
            return scripted
        wanted = torch.is_grad_enabled() and images.requires_grad
        if self.remember_features and not wanted and not exporting():
            return self.cache.features(self.backbone, images)
        features: Tensor = self.backbone(images)
        return features
