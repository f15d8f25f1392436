import pytest
import torch
from torch import nn
from torch.nn import functional

from monai_das.losses import DASLoss, DASPolicyInferer, DASPolicyLoss
from monai_das.losses.policy_loss import advantage
from monai_das.networks import DASMeanAggregation, DASOutput, DASPolicyOutput, DASSliceClassifier
from monai_das.samplers import DASUniformSampler, PolicyTopKSampler, Sampler, take_slices


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
    network, ask, loss = network_of(PolicyTopKSampler(num_slices=1)), DASPolicyInferer(), DASPolicyLoss()
    with torch.no_grad():
        network.head.weight.copy_(torch.tensor([[-1.0], [1.0]]))
        network.head.bias.zero_()
    optimizer = torch.optim.Adam(network.sampler.parameters(), 0.005)

    for _ in range(120):
        optimizer.zero_grad()
        loss(ask(batch[0], network), batch[1]).backward()
        optimizer.step()

    assert (network.eval().score(batch[0]).indices == 4).float().mean() > 0.9


def test_the_loss_is_that_of_the_formula(batch):
    network = network_of(PolicyTopKSampler(num_slices=2))
    output, labels = DASPolicyInferer()(batch[0], network), batch[1]

    loss = DASPolicyLoss(policy_weight=0.5)(output, labels)

    sure, plain = (functional.softmax(each, 1)[torch.arange(64), labels] for each in (output.chosen, output.even))
    reward = 0.5 * ((sure - plain) * output.selection.log_prob).mean()
    torch.testing.assert_close(loss, functional.cross_entropy(output.logits, labels) - reward)


def test_both_answers_are_those_of_eval_to_the_drawn_and_to_evenly_spread_slices(batch):
    network, volume = network_of(PolicyTopKSampler(num_slices=2)), batch[0]
    network.dropout.p = 0.5

    output = DASPolicyInferer()(volume, network)

    even = DASUniformSampler(num_slices=2)(volume)
    network.eval()
    for answer, selection in ((output.chosen, output.selection), (output.even, even)):
        torch.testing.assert_close(answer, network.classify(take_slices(volume, selection), selection))
        assert not answer.requires_grad


def test_the_advantage_is_confidence_beyond_a_uniform_choice(batch):
    output = DASPolicyInferer()(batch[0], network_of(PolicyTopKSampler(num_slices=6)))

    assert advantage(output, batch[1]).abs().max() < 1e-6  # all drawn: as good as all spread evenly
    better = output._replace(chosen=torch.eye(2)[batch[1]], even=torch.zeros(64, 2))
    torch.testing.assert_close(advantage(better, batch[1]), torch.full((64,), torch.e / (1.0 + torch.e) - 0.5))


@pytest.mark.parametrize("named", [False, True])
def test_lengths_reach_the_network_and_the_uniform_choice(batch, named):
    network, lengths = network_of(PolicyTopKSampler(num_slices=2)), torch.full((64,), 3)
    padded = batch[0].clone()
    padded[..., 3:] = torch.nan

    output = (
        DASPolicyInferer()(padded, network, **{"lengths": lengths})
        if named
        else DASPolicyInferer()(padded, network, lengths)
    )

    assert output.chosen.isfinite().all()
    torch.testing.assert_close(output.even, DASPolicyInferer()(batch[0][..., :3], network).even)


def test_without_a_log_probability_or_training_it_is_the_task_loss(batch):
    for sampler, training in ((DASUniformSampler(num_slices=2), True), (PolicyTopKSampler(num_slices=2), False)):
        output = DASPolicyInferer()(batch[0], network_of(sampler).train(training))

        assert isinstance(output, DASPolicyOutput) == training
        assert torch.equal(DASPolicyLoss()(output, batch[1]), DASLoss()(output, batch[1]))


def test_the_pair_alone_is_refused_with_the_name_of_the_inferer(batch):
    output = network_of(PolicyTopKSampler(num_slices=2))(batch[0])

    assert isinstance(output, DASOutput)
    with pytest.raises(TypeError, match=r"must be a DASPolicyOutput, got DASOutput; .* DASPolicyInferer\(\)\(volume"):
        DASPolicyLoss()(output, batch[1])


def test_a_network_inside_a_distributed_wrapper_is_asked(batch, process_group):
    network = network_of(PolicyTopKSampler(num_slices=2))

    def gradients(called: nn.Module) -> list[torch.Tensor]:
        torch.manual_seed(0)
        network.zero_grad()
        DASPolicyLoss()(DASPolicyInferer()(batch[0], called), batch[1]).backward()
        return [each.grad.clone() for each in network.parameters()]

    alone = gradients(network)
    torch.testing.assert_close(gradients(nn.parallel.DistributedDataParallel(network)), alone)


def test_a_network_in_data_parallel_is_asked_as_well(batch):
    network = network_of(PolicyTopKSampler(num_slices=2))

    output = DASPolicyInferer()(batch[0], nn.DataParallel(network))
    DASPolicyLoss()(output, batch[1]).backward()

    assert isinstance(output, DASPolicyOutput)
    assert any(bool(parameter.grad.any()) for parameter in network.sampler.parameters())


def test_a_module_around_the_network_is_told_what_it_needs(batch):
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network_of(PolicyTopKSampler(num_slices=2))

        def forward(self, volume):
            return self.inner(volume)

    with pytest.raises(
        TypeError, match=r"network must be a DASNetwork, got Outer; give it a method judge\(volume, sel"
    ):
        DASPolicyInferer()(batch[0], Outer())
