import pytest
import torch
from torch import nn

from monai_das.losses import DASLoss, DASPolicyLoss
from monai_das.networks import DASMeanAggregation, DASSliceClassifier
from monai_das.samplers import DASUniformSampler, PolicyTopKSampler, Sampler


def network_of(sampler: Sampler) -> DASSliceClassifier:
    backbone = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return DASSliceClassifier(sampler, backbone, 2, DASMeanAggregation(), 1, thumbnail_size=8, dropout_prob=0.0).train()


@pytest.fixture
def batch():
    labels = torch.randint(0, 2, (64,))
    volume = 0.05 * torch.randn(64, 1, 8, 8, 6)
    volume[..., 4] += 4.0 * (labels[:, None, None, None] - 0.5)
    return volume, labels


def test_the_policy_learns_to_draw_the_slice_that_makes_the_network_sure(batch):
    network = network_of(PolicyTopKSampler(num_slices=1))
    with torch.no_grad():
        network.head.weight.copy_(torch.tensor([[-1.0], [1.0]]))
        network.head.bias.zero_()
    loss = DASPolicyLoss(network)
    optimizer = torch.optim.Adam(network.sampler.parameters(), 0.005)

    for _ in range(120):
        optimizer.zero_grad()
        loss(network(batch[0]), batch[1]).backward()
        optimizer.step()

    assert (network.eval().score(batch[0]).indices == 4).float().mean() > 0.9


def test_the_advantage_is_confidence_beyond_a_uniform_choice(batch):
    network = network_of(PolicyTopKSampler(num_slices=6))
    loss = DASPolicyLoss(network)
    network(batch[0])

    advantage = loss.advantage(network.selection, batch[1])

    assert advantage.abs().max() < 1e-6  # all slices drawn: just as good as all slices spread evenly
    assert network.training
    assert not advantage.requires_grad


def test_lengths_and_names_reach_the_uniform_choice(batch):
    network = network_of(PolicyTopKSampler(num_slices=2))
    loss = DASPolicyLoss(network)

    pred = network(volume=batch[0], lengths=torch.full((64,), 5))

    assert loss(pred, batch[1]).isfinite()


def test_without_a_log_probability_or_training_it_is_the_task_loss(batch):
    for sampler, training in ((DASUniformSampler(num_slices=2), True), (PolicyTopKSampler(num_slices=2), False)):
        network = network_of(sampler).train(training)
        loss = DASPolicyLoss(network)
        pred = network(batch[0])

        assert torch.equal(loss(pred, batch[1]), DASLoss(network)(pred, batch[1]))
