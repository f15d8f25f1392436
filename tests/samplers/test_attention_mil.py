import torch
from torch import nn

from monai_das.networks import DASGatedAggregation, DASSliceClassifier
from monai_das.samplers import DASAttentionMILSampler


def encoder() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def test_training_sees_all_slices_and_evaluation_those_of_the_highest_attention() -> None:
    sampler = DASAttentionMILSampler(num_slices=3)
    volume = torch.rand(2, 1, 8, 8, 9)

    wide, narrow = sampler.train()(volume), sampler.eval()(volume)

    assert wide.indices.tolist() == [list(range(9))] * 2
    assert torch.equal(narrow.indices, narrow.scores.topk(3, dim=1).indices.sort(dim=1).values)


def test_the_attention_can_be_that_of_the_backbone_itself() -> None:
    backbone = encoder()
    sampler = DASAttentionMILSampler(num_slices=3, encoder=backbone, num_features=4)
    network = DASSliceClassifier(sampler, backbone, 2, DASGatedAggregation(), num_features=4, thumbnail_size=8)

    network.train()(torch.rand(2, 1, 8, 8, 9), torch.tensor([9, 4])).logits.sum().backward()
    logits = network.eval()(torch.rand(2, 1, 8, 8, 9))

    assert logits.shape == (2, 2)
    assert sampler.weight.weight.grad.abs().sum() > 0
    assert len({id(p) for p in network.parameters()}) == len(list(network.parameters()))


def test_padded_slices_do_not_reach_the_encoders_batch_norm() -> None:
    sampler = DASAttentionMILSampler(num_slices=3, encoder=encoder(), num_features=4).train()
    volume = torch.rand(1, 1, 8, 8, 9)
    padded = torch.cat((volume, torch.full_like(volume, 1e4)), dim=4)

    scores = sampler(padded, torch.tensor([9])).scores

    torch.testing.assert_close(scores[:, :9], sampler(volume).scores)
