"""No loss changes a mode, a freeze state or a running statistic; nothing looks up a network's last choice."""

import inspect
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from monai_das import losses
from monai_das.losses import DASLoss, DASPolicyInferer, DASPolicyLoss, DASReaderLoss
from monai_das.networks import DASGatedAggregation, DASOutput, DASPolicyOutput, DASSliceClassifier
from monai_das.samplers import DPSSampler, PolicyTopKSampler

ROOT = Path(__file__).parents[2]
LABELS = torch.tensor([0, 1, 1])
VERDICTS = torch.tensor([[1, 0, -1, 0, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0]])

LOSSES = {
    "DASLoss": (None, DASLoss(), LABELS),
    "DASReaderLoss": (None, DASReaderLoss(), {"label": LABELS, "verdicts": VERDICTS}),
    "DASPolicyLoss": (DASPolicyInferer(), DASPolicyLoss(), LABELS),
}


def half_frozen(sampler):
    """Return a network in ``train()`` whose first batch norm is frozen, and whose second learns."""
    frozen = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    learning = nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    backbone = nn.Sequential(frozen, learning)
    network = DASSliceClassifier(sampler, backbone, 2, DASGatedAggregation(), 4, thumbnail_size=8).train()
    frozen.eval().requires_grad_(False)
    return network


def states(network):
    modes = {name: module.training for name, module in network.named_modules()}
    learns = {name: parameter.requires_grad for name, parameter in network.named_parameters()}
    return modes, learns


def buffers(network):
    return {name: buffer.clone() for name, buffer in network.named_buffers()}


def test_every_public_loss_is_walked_over():
    public = {name for name in losses.__all__ if inspect.isclass(getattr(losses, name)) and name.endswith("Loss")}

    assert public == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("make", [PolicyTopKSampler, lambda num_slices: DPSSampler(num_slices, depth=6)])
def test_a_step_leaves_modes_freeze_states_and_frozen_statistics_alone(name, make):
    inferer, loss, target = LOSSES[name]
    network = half_frozen(make(num_slices=2))
    before, frozen = states(network), buffers(network.backbone[0])

    output = (inferer or (lambda volume, called: called(volume)))(torch.randn(3, 1, 12, 12, 6), network)
    seen = buffers(network)
    loss(output, target).backward()

    assert states(network) == before
    assert isinstance(output, DASPolicyOutput if inferer else DASOutput)
    torch.testing.assert_close(buffers(network.backbone[0]), frozen, rtol=0.0, atol=0.0)
    torch.testing.assert_close(buffers(network), seen, rtol=0.0, atol=0.0)
    assert all(parameter.grad is None for parameter in network.backbone[0].parameters())


def test_a_policy_moves_the_statistics_of_what_learns_once_a_step():
    network = half_frozen(PolicyTopKSampler(num_slices=2))

    DASPolicyInferer()(torch.randn(3, 1, 12, 12, 6), network)

    assert network.backbone[1][1].num_batches_tracked == 1


def sources(folder):
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.py")
    }


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("monai_das/losses", r"\.(eval|train)\("),
        ("monai_das", r"network\.selection\b|\bMemory\b|\bReached\b|\b_held\b|self\.selection\b"),
        ("benchmarks", r"network\.selection\b|\bMemory\b|\bReached\b|\b_held\b"),
    ],
)
def test_nothing_is_left_of_the_hidden_choice(folder, pattern):
    texts = sources(folder)

    assert texts
    assert [name for name, text in texts.items() if re.search(pattern, text)] == []
