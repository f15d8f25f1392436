"""Several processes: what only a penalty or a score learns from is waited for as well."""

import pytest
import torch
from torch import distributed, nn

from monai_das.losses import DASLoss
from monai_das.networks import DASAttentionAggregation, DASSliceClassifier
from monai_das.samplers import DASSampler, DASUniformSampler


@pytest.fixture
def process_group(tmp_path):
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'meeting'}", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def taught(sampler):
    backbone = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16, 4))
    aggregation = DASAttentionAggregation(4, distillation_weight=10.0)
    return DASSliceClassifier(sampler, backbone, 2, aggregation, num_features=4, thumbnail_size=16)


def gradients(network, wrapped):
    torch.manual_seed(0)
    loss = DASLoss(network)
    for _ in range(2):
        network.zero_grad()
        loss(wrapped(torch.rand(3, 1, 20, 20, 8)), torch.tensor([0, 1, 1])).backward()
    return {name: each.grad.clone() for name, each in network.named_parameters() if each.grad is not None}


def test_a_lesson_is_learnt_in_parallel_as_alone(process_group):
    torch.manual_seed(1)
    network = taught(DASSampler(num_slices=2)).train()
    network.sampler.widening = 1.0
    alone = gradients(network, network)

    parallel = gradients(network, nn.parallel.DistributedDataParallel(network, find_unused_parameters=True))

    assert any(name.startswith("sampler.") and each.abs().sum() > 0 for name, each in alone.items())
    assert alone.keys() == parallel.keys()
    for name, each in alone.items():
        torch.testing.assert_close(parallel[name], each)


def test_a_sampler_that_learns_nothing_leaves_the_logits_alone(process_group):
    network = taught(DASUniformSampler(num_slices=2)).train()

    logits = network(torch.rand(3, 1, 20, 20, 8))

    assert "Reached" not in type(logits.grad_fn).__name__
