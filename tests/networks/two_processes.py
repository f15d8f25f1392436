"""What each of two processes does, in ``DistributedDataParallel`` over gloo, for ``test_distributed.py``."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from monai_das.losses import DASLoss, DASPolicyInferer, DASPolicyLoss
from monai_das.samplers import PolicyTopKSampler
from tests.networks.taught import gradients_in, taught_network, two_batches


def work(rank: int, folder: str) -> None:
    """Train in the group of two that meets in ``folder``, and leave what came of it in ``{rank}.pt``."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    volume, target = two_batches()[rank]
    found = {
        "das": das_loss(volume, target),
        "found unused": das_loss(volume, target, find_unused_parameters=True),
        "ignores scores": loss_of_logits(volume, target),
        "policy": policy(volume, target),
    }
    torch.save(found, Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()


def das_loss(volume: Tensor, target: Tensor, **settings: bool) -> list[Tensor]:
    """Return the gradients after the second of two forward and backward passes."""
    network = taught_network()
    parallel = nn.parallel.DistributedDataParallel(network, **settings)
    for _ in range(2):
        network.zero_grad()
        DASLoss()(parallel(volume), target).backward()
    return gradients_in(network)


def loss_of_logits(volume: Tensor, target: Tensor) -> list[Tensor]:
    """Return the gradients of a loss that leaves scores and penalty out: nobody must wait for them."""
    network = taught_network()
    parallel = nn.parallel.DistributedDataParallel(network)
    for _ in range(2):
        network.zero_grad()
        with warnings.catch_warnings(action="ignore"):  # that nothing teaches the sampler is the point
            functional.cross_entropy(parallel(volume).logits, target).backward()
    return gradients_in(network)


def policy(volume: Tensor, target: Tensor) -> list[Tensor]:
    """Return the parameters after two steps of a policy's training, which must agree in both processes."""
    network = taught_network(PolicyTopKSampler(num_slices=2))
    network.sampler.widening = 0.0
    parallel = nn.parallel.DistributedDataParallel(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        DASPolicyLoss()(DASPolicyInferer()(volume, parallel), target).backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in network.parameters()]
