import pytest
import torch
from monai.networks.nets import DenseNet121, resnet10
from torch import nn

from monai_das.networks import (
    DASAttentionAggregation,
    DASDesignAggregation,
    DASMaxAggregation,
    DASMeanAggregation,
    DASMobileNetV3Small,
    DASSliceClassifier,
)
from monai_das.samplers import DASFullSampler, DASGateSampler, DASSampler, DASUniformSampler, DPSSampler


class Recorder(nn.Module):
    """A backbone that keeps what it saw and returns feature maps."""

    num_features = 2

    def __init__(self) -> None:
        super().__init__()
        self.seen = torch.empty(0)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen = images
        return self.scale * torch.cat((images, images.square()), dim=1)


class Corner(nn.Module):
    """A backbone that looks at the first pixel alone."""

    num_features = 1

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, :, 0, 0]


@pytest.mark.parametrize(
    ("backbone", "num_features"),
    [
        (resnet10(spatial_dims=2, n_input_channels=1, feed_forward=False), 512),
        (DenseNet121(spatial_dims=2, in_channels=1, out_channels=7), 7),
    ],
    ids=["resnet10", "DenseNet121"],
)
def test_monai_networks_can_be_injected(backbone, num_features):
    net = DASSliceClassifier(DASUniformSampler(num_slices=2), backbone, 3, num_features=num_features).eval()

    assert net(torch.randn(2, 1, 32, 32, 5)).shape == (2, 3)


def test_backbone_sees_the_chosen_slices_channels_last():
    net = DASSliceClassifier(DASUniformSampler(num_slices=2), Recorder(), 3, thumbnail_size=8).eval()
    volume = torch.randn(2, 1, 8, 6, 4)

    net(volume)

    seen = net.backbone.seen
    assert torch.equal(seen, torch.stack([volume[b, :, :, :, d] for b in (0, 1) for d in (1, 3)]))
    assert seen.stride() == (48, 1, 6, 1)


@pytest.mark.parametrize(("channels", "depth"), [(1, 1), (3, 4)])
def test_odd_strides_never_reach_the_backbone(channels, depth):
    backbone = nn.Conv2d(channels, 2, 3)
    seen = []
    backbone.register_forward_pre_hook(lambda _, args: seen.append(args[0].stride()))
    net = DASSliceClassifier(DASFullSampler(), backbone, 3, num_features=2, thumbnail_size=8).eval()

    net(torch.randn(1, channels, 8, 6, depth))

    assert seen == [(48 * channels, 1, 6 * channels, channels)]


def test_training_leaves_out_rows_that_are_not_kept():
    net = DASSliceClassifier(DASUniformSampler(num_slices=4), Recorder(), 3, thumbnail_size=8).train()

    net(torch.randn(2, 1, 8, 8, 6), torch.tensor([6, 1]))

    assert net.backbone.seen.size(0) == 5


def test_training_without_dropout_and_norm_equals_eval():
    net = DASSliceClassifier(
        DASUniformSampler(num_slices=4), Recorder(), 3, DASMaxAggregation(), thumbnail_size=8, dropout_prob=0.0
    )
    volume, lengths = torch.randn(2, 1, 8, 8, 6), torch.tensor([6, 1])

    torch.testing.assert_close(net.train()(volume, lengths).logits, net.eval()(volume, lengths))


def test_straight_through_gradient_goes_through_the_pixels():
    sampler = DPSSampler(num_slices=2, depth=6)
    net = DASSliceClassifier(sampler, Recorder(), 3, DASMeanAggregation(), thumbnail_size=8).train()

    logits, selection = net(torch.randn(2, 1, 8, 8, 6))
    logits.square().sum().backward()

    assert selection.weights.requires_grad
    assert any(p.grad is not None and p.grad.any() for p in sampler.parameters())


def test_fraction_exports_with_dynamic_depth():
    net = DASSliceClassifier(DASUniformSampler(fraction=0.25), nn.Conv2d(1, 2, 3), 3, num_features=2, thumbnail_size=8)
    dynamic = {"volume": {0: torch.export.Dim.DYNAMIC, 4: torch.export.Dim.DYNAMIC}}

    exported = torch.export.export(net.eval(), (torch.randn(2, 1, 8, 8, 9),), dynamic_shapes=dynamic).module()

    volume = torch.randn(3, 1, 8, 8, 21)
    torch.testing.assert_close(exported(volume), net(volume))


def test_width_of_the_features_is_asked_for():
    with pytest.raises(ValueError, match=r"num_features is needed: Conv2d has no num_features; give the F"):
        DASSliceClassifier(DASUniformSampler(num_slices=2), nn.Conv2d(1, 2, 3), 3)


def test_wrong_width_of_the_features_is_told():
    net = DASSliceClassifier(DASUniformSampler(num_slices=2), nn.Conv2d(1, 2, 3), 3, num_features=4)

    with pytest.raises(ValueError, match=r"must return \(N, 4\) .* got 2 features; give num_features=2"):
        net(torch.randn(1, 1, 8, 8, 4))


def test_no_class_at_all_is_refused():
    with pytest.raises(ValueError, match="num_classes must be at least 1, got 0"):
        DASSliceClassifier(DASUniformSampler(num_slices=2), DASMobileNetV3Small(), 0)


@pytest.mark.parametrize(
    ("sampler", "kind"),
    [(DASSampler(num_slices=2), DASDesignAggregation), (DASGateSampler(num_slices=2), DASAttentionAggregation)],
)
def test_attention_is_the_default_and_teaches_those_that_are_to_be_taught(sampler, kind):
    assert type(DASSliceClassifier(sampler, Recorder(), 2).aggregation) is kind


def test_flips_are_averaged_in_eval_by_one_choice():
    net = DASSliceClassifier(DASUniformSampler(num_slices=2), Corner(), 3, average_flips=True).eval()
    volume = torch.randn(2, 1, 32, 24, 5)

    averaged = net(volume)
    net.average_flips = False
    views = [net(volume.flip(axes)) for axes in ([], [2], [3], [2, 3])]

    torch.testing.assert_close(averaged, torch.stack(views).mean(0))
    assert not torch.allclose(averaged, views[0])


def test_training_does_not_average_flips():
    net = DASSliceClassifier(DASUniformSampler(num_slices=2), Recorder(), 3, thumbnail_size=8, average_flips=True)

    net.train()(torch.arange(64.0).view(1, 1, 4, 8, 2))

    assert net.backbone.seen[0, 0, 0, 0] == 0.0
