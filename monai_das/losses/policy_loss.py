"""The task loss plus REINFORCE: a policy is rewarded for choosing better than a uniform choice."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from monai_das.losses.selection_loss import DASLoss, unwrapped
from monai_das.samplers import DASUniformSampler, Selection, take_slices


class DASPolicyLoss(nn.Module):
    """Return ``loss(pred, target) - policy_weight * mean(advantage * log_prob)`` for samplers with a ``log_prob``.

    The reward of a draw is the probability that the network gives to the true class of what was drawn, the advantage
    is that reward minus the one of as many slices spread evenly. Both are taken in ``eval()`` and without gradient, at
    the price of two more forward passes over k slices. Without a ``log_prob``, and outside training, the result is
    that of :class:`DASLoss`.

    Args:
        network: a ``DASNetwork`` or its ``DistributedDataParallel`` wrapper; it is held by reference, and a hook
            keeps the volumes of its last forward pass in training.
        loss: the task loss; cross entropy by default.
        policy_weight: factor on the policy's term.

    Shape:
        - ``pred``: ``(B, K)`` logits; ``target``: ``(B,)`` int64.
        - returns a scalar.

    Raises:
        ValueError: the network has no attribute ``selection``.

    References:
        Lin et al., *OCSampler: Compressing Videos to One Clip with Single-step Sampling*, CVPR 2022, arXiv 2203.16220,
        whose classifier is frozen while the policy learns; here both learn together.
    """

    def __init__(self, network: nn.Module, loss: nn.Module | None = None, policy_weight: float = 1.0) -> None:
        super().__init__()
        self.task = DASLoss(network, loss)
        self.policy_weight = policy_weight
        self.uniform = DASUniformSampler(num_slices=1)
        self._held: tuple[Any, ...] = (unwrapped(network),)
        self._seen: tuple[Any, ...] = ()
        self._held[0].register_forward_pre_hook(self._remember, with_kwargs=True)

    def _remember(self, network: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        volume = inputs[0] if inputs else named["volume"]
        self._seen = (
            (volume.detach(), inputs[1] if len(inputs) > 1 else named.get("lengths")) if network.training else ()
        )

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return the task loss, and in training the policy's term on top."""
        total: Tensor = self.task(pred, target)
        network = self._held[0]
        selection: Selection | None = network.selection
        if network.training and selection is not None and selection.log_prob is not None and self._seen:
            advantage = self.advantage(selection, target)
            total = total - self.policy_weight * (advantage * selection.log_prob.float()).mean()
        return total

    @torch.no_grad()
    def advantage(self, selection: Selection, target: Tensor) -> Tensor:
        """Return ``(B,)``: how much surer of the true class the network is than with a uniform choice."""
        network = self._held[0]
        volume, lengths = self._seen
        self.uniform.num_slices = selection.indices.size(1)
        even = self.uniform(volume, lengths)._replace(scores=selection.scores)
        network.eval()
        rewards = []
        for choice in (selection, even):
            logits = network.classify(take_slices(volume, choice._replace(weights=choice.weights.detach())), choice)
            rewards.append(torch.softmax(logits.float(), dim=1).gather(1, target[:, None])[:, 0])
        network.train()
        return rewards[0] - rewards[1]
