"""A frozen backbone that counts, for the tests of remembered features."""

import torch
from torch import Tensor, nn

from monai_das import samplers
from monai_das.networks import DASSliceClassifier


class Counted(nn.Module):
    """A frozen backbone that counts the images it looks at."""

    def __init__(self, linear: bool = False) -> None:
        super().__init__()
        bend = nn.Identity() if linear else nn.ReLU()
        self.net = nn.Sequential(nn.Conv2d(1, 3, 3), bend, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.requires_grad_(False)
        self.looks = [0]  # a list, as settings of a backbone are numbers and strings

    @property
    def seen(self) -> int:
        return self.looks[0]

    def forward(self, images: Tensor) -> Tensor:
        self.looks[0] += len(images)
        features: Tensor = self.net(images)
        return features


def remembering(sampler: samplers.Sampler, remember: bool = True) -> DASSliceClassifier:
    torch.manual_seed(3)
    backbone = Counted(linear=True)  # blending its features is blending slices
    return DASSliceClassifier(sampler, backbone, 2, None, 3, thumbnail_size=8, remember_features=remember)
