import pytest
import torch

from monai_das.networks import DASMobileNetV3Small

# torchvision's rows of mobilenet_v3_small: input, kernel, expanded, output, squeezed channels (0: none)
TABLE = [
    (16, 3, 16, 16, 8),
    (16, 3, 72, 24, 0),
    (24, 3, 88, 24, 0),
    (24, 5, 96, 40, 24),
    (40, 5, 240, 40, 64),
    (40, 5, 240, 40, 64),
    (40, 5, 120, 48, 32),
    (48, 5, 144, 48, 40),
    (48, 5, 288, 96, 72),
    (96, 5, 576, 96, 144),
    (96, 5, 576, 96, 144),
]


def conv_norm(name: str, weight: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    stats = {f"{name}.1.{x}": weight[:1] for x in ("weight", "bias", "running_mean", "running_var")}
    return {f"{name}.0.weight": weight, **stats, f"{name}.1.num_batches_tracked": ()}


def torchvision_shapes() -> dict[str, tuple[int, ...]]:
    shapes = conv_norm("features.0", (16, 3, 3, 3))
    for number, (before, kernel, expanded, after, squeezed) in enumerate(TABLE, start=1):
        block = f"features.{number}.block"
        place = 0
        if expanded != before:
            shapes |= conv_norm(f"{block}.{place}", (expanded, before, 1, 1))
            place += 1
        shapes |= conv_norm(f"{block}.{place}", (expanded, 1, kernel, kernel))
        place += 1
        if squeezed:
            excite = f"{block}.{place}"
            shapes |= {f"{excite}.fc1.weight": (squeezed, expanded, 1, 1), f"{excite}.fc1.bias": (squeezed,)}
            shapes |= {f"{excite}.fc2.weight": (expanded, squeezed, 1, 1), f"{excite}.fc2.bias": (expanded,)}
            place += 1
        shapes |= conv_norm(f"{block}.{place}", (after, expanded, 1, 1))
    shapes |= conv_norm("features.12", (576, 96, 1, 1))
    shapes |= {"classifier.0.weight": (1024, 576), "classifier.0.bias": (1024,)}
    return shapes | {"classifier.3.weight": (1000, 1024), "classifier.3.bias": (1000,)}


def test_names_shapes_and_order_are_torchvisions():
    own = {k: tuple(v.shape) for k, v in DASMobileNetV3Small(num_classes=1000).state_dict().items()}

    assert len(own) == 244
    assert list(own.items()) == list(torchvision_shapes().items())


def test_parameters_are_as_many_as_torchvisions():
    assert sum(p.numel() for p in DASMobileNetV3Small(num_classes=1000).parameters()) == 2_542_856


@pytest.mark.parametrize(("spatial_dims", "size"), [(1, (40,)), (2, (28, 28)), (3, (33, 28, 5))])
def test_without_classes_the_pooled_features_come_out(spatial_dims, size):
    net = DASMobileNetV3Small(spatial_dims, in_channels=2).eval()

    assert net(torch.rand(3, 2, *size)).shape == (3, net.num_features)


def test_with_classes_logits_come_out():
    assert DASMobileNetV3Small(num_classes=5).eval()(torch.rand(2, 3, 32, 32)).shape == (2, 5)


def test_initialisation_is_torchvisions():
    net = DASMobileNetV3Small(num_classes=1000)

    stem, head = net.features[0][0].weight, net.classifier[0]
    assert stem.std().item() == pytest.approx((2 / (16 * 9)) ** 0.5, rel=0.15)
    assert head.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not head.bias.any()
    assert {m.eps for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)} == {1e-3}


def test_momentum_reaches_every_batch_norm():
    net = DASMobileNetV3Small(bn_momentum=0.02)

    assert {m.momentum for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)} == {0.02}


def test_strides_are_torchvisions():
    features = DASMobileNetV3Small().eval().features
    image = torch.rand(1, 3, 64, 64)

    sides = []
    for stage in features:
        image = stage(image)
        sides.append(image.size(2))

    assert sides == [32, 16, 8, 8, 4, 4, 4, 4, 4, 2, 2, 2, 2]


def test_bad_spatial_dims_are_refused():
    with pytest.raises(ValueError, match="spatial_dims must be 1, 2 or 3, got 4"):
        DASMobileNetV3Small(spatial_dims=4)


@pytest.mark.parametrize(("channels", "classes"), [(0, 0), (1, -1)])
def test_bad_sizes_are_refused(channels, classes):
    with pytest.raises(ValueError, match=f"at least 0, got {channels} and {classes}"):
        DASMobileNetV3Small(in_channels=channels, num_classes=classes)
