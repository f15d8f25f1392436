"""A small network whose sampler is taught, its explicit loss and the gradients of a sum of losses."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_das.networks import DASDesignAggregation, DASSliceClassifier
from monai_das.networks.aggregation import weighted_sum
from monai_das.networks.design_aggregation import every_slice
from monai_das.samplers import DASSampler, Sampler

Batch = tuple[Tensor, Tensor]


def taught_network(sampler: Sampler | None = None) -> DASSliceClassifier:
    """Return a network in ``train()`` with a wide budget, whose attention teaches its sampler."""
    torch.manual_seed(0)
    chosen = DASSampler(num_slices=2) if sampler is None else sampler
    backbone = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16, 4))
    aggregation = DASDesignAggregation(4, distillation_weight=10.0)
    network = DASSliceClassifier(chosen, backbone, 2, aggregation, 4, thumbnail_size=16, dropout_prob=0.0)
    for parameter in network.parameters():  # the last layers of a sampler start at zero
        nn.init.normal_(parameter, std=0.3)
    chosen.widening = 1.0
    return network.train()


def two_batches() -> list[Batch]:
    """Return two batches of unlike brightness, so that their penalties differ."""
    torch.manual_seed(1)
    return [
        (torch.rand(3, 1, 20, 20, 8), torch.tensor([0, 1, 1])),
        (9.0 * torch.rand(3, 1, 20, 20, 8) ** 4, torch.tensor([1, 0, 1])),
    ]


def explicit_loss(network: DASSliceClassifier, batch: Batch) -> Tensor:
    """Return the loss of both answers plus the lesson, put together by hand from the network's parts."""
    volume, target = batch
    selection = network.score(network.thumbnails(volume))
    whole, head, attention = every_slice(selection), network.head, network.aggregation
    features = network.backbone(volume.permute(0, 4, 1, 2, 3).flatten(0, 1)).view(len(volume), volume.size(4), -1)
    chosen = features.gather(1, selection.indices[:, :, None].expand(-1, -1, features.size(2)))
    answer = head.of_all(attention(features, whole))
    short = head.of_few(weighted_sum(chosen, attention.weights(chosen, selection, settled=True)))
    missed = functional.kl_div(short.log_softmax(1), answer.detach().softmax(1), reduction="none").sum(dim=1)
    lesson = attention.shares_lesson(features.detach(), whole, head.weight)
    task = functional.cross_entropy(answer, target) + 0.5 * functional.cross_entropy(short, target)
    return task + (selection.penalty + 10.0 * lesson + 0.5 * missed).mean()


def gradients_of_sum(network: DASSliceClassifier, batches: Sequence[Batch]) -> list[Tensor]:
    """Return the gradient of the plain sum of the explicit losses by every parameter."""
    total = torch.stack([explicit_loss(network, batch) for batch in batches]).sum()
    return list(torch.autograd.grad(total, list(network.parameters())))


def gradients_in(network: nn.Module) -> list[Tensor]:
    """Return the gradients that ``backward()`` has left in the parameters."""
    return [torch.zeros_like(each) if each.grad is None else each.grad.clone() for each in network.parameters()]
