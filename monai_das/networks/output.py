"""What a network returns in ``train()``: the pair of logits and selection."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from monai_das.samplers import Selection

REMEDY = (
    "in train() the network returns the pair (logits, selection), and this needs logits alone; "
    "give the pair to monai_das.losses.DASLoss(your_loss), or take output.logits"
)


class DASOutput(NamedTuple):
    """Logits and the selection they were made from, as ``network(volume)`` returns them in ``train()``.

    A tuple, so that ``logits, selection = network(volume)`` works, and so do ``DistributedDataParallel`` and gradient
    accumulation. Code that takes it for a tensor, such as a plain loss, fails with a message that names ``DASLoss``.

    Attributes:
        logits: ``(B, num_classes)`` float32.
        selection: the :class:`~monai_das.samplers.Selection`, with its graph.

    Raises:
        TypeError: a function of torch is called with the pair.
        AttributeError: an attribute of tensors is asked of the pair.
    """

    logits: Tensor
    selection: Selection

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Refuse every function of torch."""
        raise refused_call(cls, func)

    def __getattr__(self, name: str) -> Any:
        """Refuse what only tensors have."""
        raise refused_attribute(type(self), name)


class DASPolicyOutput(NamedTuple):
    """What :class:`~monai_das.losses.DASPolicyInferer` returns in ``train()``: the pair, and two answers to compare.

    Attributes:
        logits, selection: as in :class:`DASOutput`.
        chosen: ``(B, K)`` logits that ``eval()`` gives the drawn slices, without a graph.
        even: ``(B, K)`` logits that it gives as many slices spread evenly.

    Raises:
        TypeError, AttributeError: as :class:`DASOutput`.
    """

    logits: Tensor
    selection: Selection
    chosen: Tensor
    even: Tensor

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Refuse every function of torch."""
        raise refused_call(cls, func)

    def __getattr__(self, name: str) -> Any:
        """Refuse what only tensors have."""
        raise refused_attribute(type(self), name)


def refused_call(output: type, function: Any) -> TypeError:
    """Return the error for a call of a ``function`` of torch with an ``output``."""
    return TypeError(f"{getattr(function, '__name__', function)}() got a {output.__name__}: {REMEDY}")


def refused_attribute(output: type, name: str) -> AttributeError:
    """Return the error for an attribute that an ``output`` does not have."""
    if hasattr(Tensor, name):
        return AttributeError(f"{output.__name__} has no {name}: {REMEDY}")
    return AttributeError(f"{output.__name__} has no attribute {name!r}")
