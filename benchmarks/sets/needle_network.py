"""The small network that looks at slices of made-up evidence."""

from __future__ import annotations

from torch import nn

FEATURES = 64


class DASNeedleCNN(nn.Sequential):
    """Three strided convolutions and the maximum over the slice: ``(N, 1, H, W)`` to ``(N, 64)``."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs in ((1, 16), (16, 32), (32, FEATURES)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        super().__init__(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten())
        self.num_features: int = FEATURES
