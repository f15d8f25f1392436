"""The task loss plus REINFORCE: a policy is rewarded for choosing better than a uniform choice."""

from __future__ import annotations

from typing import Any

import torch
from monai.inferers import SimpleInferer
from torch import Tensor, nn

from monai_das.losses.selection_loss import DASLoss, Output
from monai_das.networks import DASNetwork, DASPolicyOutput
from monai_das.samplers import DASUniformSampler, Selection


class DASPolicyInferer(SimpleInferer):
    """Ask the network also for its answers to the drawn slices and to evenly spaced slices.

    For ``train#inferer`` of a bundle, or ``inferer(volume, network, lengths)`` in your own loop. Both answers come from
    :meth:`~monai_das.networks.DASNetwork.judge`: no mode changes, but there are two more passes over k slices.

    Example:
        >>> from monai_das.networks import DASMobileNetV3Small, DASSliceClassifier
        >>> from monai_das.samplers import PolicyTopKSampler
        >>> network = DASSliceClassifier(PolicyTopKSampler(num_slices=2), DASMobileNetV3Small(in_channels=1), 2)
        >>> output = DASPolicyInferer()(torch.rand(2, 1, 32, 32, 9), network)
        >>> output.chosen.shape, output.even.shape
        (torch.Size([2, 2]), torch.Size([2, 2]))
    """

    def __call__(self, inputs: Tensor, network: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the network's output, in ``train()`` with the two answers."""
        output = network(inputs, *args, **kwargs)
        if isinstance(output, Tensor):
            return output
        judge: DASNetwork = network.module if isinstance(network, nn.parallel.DistributedDataParallel) else network
        lengths: Tensor | None = args[0] if args else kwargs.get("lengths")
        selection: Selection = output.selection
        uniform = DASUniformSampler(num_slices=selection.indices.size(1))
        even = uniform(inputs, lengths)._replace(scores=selection.scores)
        return DASPolicyOutput(output.logits, selection, judge.judge(inputs, selection), judge.judge(inputs, even))


class DASPolicyLoss(nn.Module):
    """Return ``DASLoss - policy_weight * mean(advantage * selection.log_prob)`` for samplers with a ``log_prob``.

    The reward of a draw is the probability that the network gives the true class when it sees the drawn slices. The
    advantage is that reward minus the reward of as many evenly spaced slices. :class:`DASPolicyInferer` asks the
    network for both.

    Args:
        loss: the task loss; cross entropy by default.
        policy_weight: factor on the policy's term.
        penalty_weight: factor on the sampler's own penalty.

    Shape:
        - ``output``: a :class:`DASPolicyOutput` in ``train()``, logits ``(B, K)`` in ``eval()``.
        - ``target``: ``(B,)`` int64.
        - returns a scalar.

    Raises:
        TypeError: ``output`` is the pair of the network, without the answers.

    References:
        Lin et al., *OCSampler: Compressing Videos to One Clip with Single-step Sampling*, CVPR 2022, arXiv 2203.16220,
        whose classifier is frozen while the policy learns; here both learn together.
    """

    def __init__(self, loss: nn.Module | None = None, policy_weight: float = 1.0, penalty_weight: float = 1.0) -> None:
        super().__init__()
        self.task = DASLoss(loss, penalty_weight)
        self.policy_weight = policy_weight

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """Return the task loss, and in training the policy's term on top."""
        total: Tensor = self.task(output, target)
        if isinstance(output, Tensor):
            return total
        if not isinstance(output, DASPolicyOutput):
            raise TypeError(
                f"output must be a DASPolicyOutput, got {type(output).__name__}; call the network by "
                "DASPolicyInferer()(volume, network, lengths), in a bundle as train#inferer"
            )
        log_prob = output.selection.log_prob.float()
        return total - self.policy_weight * (advantage(output, target) * log_prob).mean()


def advantage(output: DASPolicyOutput, target: Tensor) -> Tensor:
    """Return ``(B,)``: how much surer of the true class the network is than with a uniform choice."""
    chosen, even = (
        torch.softmax(logits.float(), dim=1).gather(1, target[:, None])[:, 0] for logits in (output.chosen, output.even)
    )
    return chosen - even
