"""MobileNetV3-Small for 1, 2 and 3 spatial dimensions, with torchvision's parameter names."""

from __future__ import annotations

import torch
from monai.networks.layers.factories import Conv, Norm, Pool
from torch import Tensor, nn

from monai_das.networks.small_map_conv import SmallMapConv2d

# kernel, expanded channels, output channels, squeeze-and-excite, hard-swish, stride: Table 2 of Howard et al. 2019
BLOCKS = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)
STEM, FEATURES, HIDDEN = 16, 576, 1024


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch norm and (optionally) an activation, at the positions torchvision gives them."""

    def __init__(
        self, dims: int, channels: tuple[int, int], kernel: int, stride: int, groups: int, act: nn.Module | None
    ) -> None:
        before, after = channels
        if dims == 2 and groups > 1:
            conv: nn.Module = SmallMapConv2d(before, kernel, stride)
        else:
            conv = Conv[Conv.CONV, dims](before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
        norm = Norm[Norm.BATCH, dims](after, eps=1e-3)
        super().__init__(*([conv, norm] if act is None else [conv, norm, act]))


class SqueezeExcite(nn.Module):
    """Scale each channel by a number in [0, 1] that is computed from the means of all channels."""

    def __init__(self, dims: int, channels: int) -> None:
        super().__init__()
        squeezed = max(8, (channels // 4 + 4) // 8 * 8)
        self.avgpool = Pool[Pool.ADAPTIVEAVG, dims](1)
        self.fc1 = Conv[Conv.CONV, dims](channels, squeezed, 1)
        self.fc2 = Conv[Conv.CONV, dims](squeezed, channels, 1)
        self.activation = nn.ReLU(inplace=True)
        self.scale_activation = nn.Hardsigmoid(inplace=True)

    def forward(self, image: Tensor) -> Tensor:
        """Return the scaled ``image``, ``(N, C, ...)``."""
        scale = self.fc2(self.activation(self.fc1(self.avgpool(image))))
        scaled: Tensor = self.scale_activation(scale) * image
        return scaled


class InvertedResidual(nn.Module):
    """Expand by a 1x1 convolution, filter each channel by itself, squeeze-and-excite, project; add the input."""

    def __init__(self, dims: int, before: int, row: tuple[int, int, int, bool, bool, int]) -> None:
        super().__init__()
        kernel, expanded, after, excite, hard, stride = row
        act = nn.Hardswish if hard else nn.ReLU
        layers: list[nn.Module] = []
        if expanded != before:
            layers.append(ConvNorm(dims, (before, expanded), 1, 1, 1, act(inplace=True)))
        layers.append(ConvNorm(dims, (expanded, expanded), kernel, stride, expanded, act(inplace=True)))
        if excite:
            layers.append(SqueezeExcite(dims, expanded))
        layers.append(ConvNorm(dims, (expanded, after), 1, 1, 1, None))
        self.block = nn.Sequential(*layers)
        self.residual: bool = stride == 1 and before == after

    def forward(self, image: Tensor) -> Tensor:
        """Return ``(N, C', ...)`` of ``image`` ``(N, C, ...)``."""
        filtered: Tensor = self.block(image)
        return filtered + image if self.residual else filtered


class DASMobileNetV3Small(nn.Module):
    """MobileNetV3-Small: the light backbone that sees the kept slices.

    Structure, parameter names and initialisation are torchvision's (2,542,856 parameters in 2-D with 3 input channels
    and 1000 classes), so that a state dict of ``torchvision.models.mobilenet_v3_small`` loads; torchvision itself is
    not needed. The stride is 32.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: channels of the input; 1 for CT, MRI and grey ultrasound.
        num_classes: outputs of the classifier; 0 leaves it out, and the pooled features are returned.
        dropout_prob: dropout before the last layer of the classifier.
        bn_momentum: momentum of the batch norms. torchvision's 0.01 is too slow for short runs.

    Attributes:
        num_features: width of the pooled features, 576.

    Shape:
        - ``image``: ``(N, in_channels, H, W)`` (or ``(N, C, L)``, ``(N, C, H, W, D)``), float, any size.
        - returns ``(N, num_classes)``, or ``(N, 576)`` where ``num_classes`` is 0.

    Raises:
        ValueError: ``spatial_dims`` is not 1, 2 or 3; ``in_channels`` is below 1; ``num_classes`` is below 0.

    References:
        Howard et al., *Searching for MobileNetV3*, ICCV 2019, arXiv 1905.02244.

    Example:
        >>> import torch
        >>> DASMobileNetV3Small(in_channels=1)(torch.rand(4, 1, 64, 64)).shape
        torch.Size([4, 576])
    """

    def __init__(
        self,
        spatial_dims: int = 2,
        in_channels: int = 3,
        num_classes: int = 0,
        dropout_prob: float = 0.2,
        bn_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        if spatial_dims not in (1, 2, 3):
            raise ValueError(f"spatial_dims must be 1, 2 or 3, got {spatial_dims}")
        if in_channels < 1 or num_classes < 0:
            raise ValueError(
                f"in_channels must be at least 1 and num_classes at least 0, got {in_channels} and {num_classes}"
            )
        self.spatial_dims: int = spatial_dims
        self.in_channels: int = in_channels
        self.num_classes: int = num_classes
        self.num_features: int = FEATURES
        self.features = stages(spatial_dims, in_channels)
        self.avgpool = Pool[Pool.ADAPTIVEAVG, spatial_dims](1)
        self.classifier = classifier(num_classes, dropout_prob)
        initialise(self, bn_momentum)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits, or pooled features where there is no classifier."""
        pooled = torch.flatten(self.avgpool(self.features(image)), 1)
        output: Tensor = self.classifier(pooled)
        return output


def stages(dims: int, in_channels: int) -> nn.Sequential:
    """Return stem, eleven blocks and the last 1x1 convolution."""
    layers: list[nn.Module] = [ConvNorm(dims, (in_channels, STEM), 3, 2, 1, nn.Hardswish(inplace=True))]
    before = STEM
    for row in BLOCKS:
        layers.append(InvertedResidual(dims, before, row))
        before = row[2]
    layers.append(ConvNorm(dims, (before, FEATURES), 1, 1, 1, nn.Hardswish(inplace=True)))
    return nn.Sequential(*layers)


def classifier(num_classes: int, dropout_prob: float) -> nn.Module:
    """Return torchvision's two-layer classifier, or nothing for no classes."""
    if num_classes == 0:
        return nn.Identity()
    return nn.Sequential(
        nn.Linear(FEATURES, HIDDEN),
        nn.Hardswish(inplace=True),
        nn.Dropout(dropout_prob),
        nn.Linear(HIDDEN, num_classes),
    )


def initialise(network: nn.Module, bn_momentum: float) -> None:
    """Initialise as torchvision does, and set the momentum of the batch norms."""
    for module in network.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            module.momentum = bn_momentum
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.01)
            nn.init.zeros_(module.bias)
