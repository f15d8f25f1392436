"""Balanced accuracy: the mean recall over the classes."""

from __future__ import annotations

from typing import Any

import torch
from monai.metrics.metric import CumulativeIterationMetric
from torch import Tensor


class DASBalancedAccuracyMetric(CumulativeIterationMetric):
    """Mean recall over the classes that occur among the true labels, as one of MONAI's cumulative metrics.

    A class may be missing from a batch or from the whole set. ``aggregate`` counts recall once, over all cases of all
    processes, and leaves out a class without cases.

    Args:
        threshold: of two classes, the second is the answer from this probability on; None: the most probable is.

    Shape:
        - ``y_pred``: ``(B, K)`` probabilities, logits or one-hot for K >= 2 classes, or ``(B,)`` or ``(B, 1)`` labels;
          or a list of such items without the batch axis.
        - ``y``: any of these forms, independent of ``y_pred``.
        - ``aggregate`` returns a scalar tensor in [0, 1].

    Raises:
        ValueError: an input has more than two axes, or ``aggregate`` comes before any case.

    References:
        Brodersen et al., *The Balanced Accuracy and Its Posterior Distribution*, ICPR 2010; agrees with
        ``sklearn.metrics.balanced_accuracy_score``.

    Example:
        >>> metric = DASBalancedAccuracyMetric()
        >>> _ = metric(torch.tensor([0, 0, 1, 0]), torch.tensor([0, 0, 1, 1]))
        >>> metric.aggregate()
        tensor(0.7500)
    """

    def __init__(self, threshold: float | None = None) -> None:
        super().__init__()
        self.threshold = threshold

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None) -> list[Tensor]:  # type: ignore[override]
        if y is None:
            raise ValueError("balanced accuracy needs the true labels, got y=None; call metric(y_pred, y)")
        return [class_labels(y_pred, self.threshold), class_labels(y)]

    def aggregate(self) -> Tensor:
        """Return the mean recall over all cases seen since ``reset``, a scalar tensor."""
        buffer: Any = self.get_buffer()  # type: ignore[no-untyped-call]
        if buffer is None:
            raise ValueError("no case was seen; call metric(y_pred, y) before aggregate()")
        predicted, true = buffer
        recalls = [(predicted[true == label] == label).float().mean() for label in true.unique()]
        return torch.stack(recalls).mean()


def class_labels(values: Tensor, threshold: float | None = None) -> Tensor:
    """Return labels ``(B,)`` int64 of ``values``: labels ``(B,)`` or ``(B, 1)``, or one column per class ``(B, K)``.

    Of two columns the second is the label from ``threshold`` on, else that of the largest value.

    Raises:
        ValueError: ``values`` has more than two axes.
    """
    if values.dim() > 2:
        raise ValueError(f"classes must be (B,) or (B, K), got {tuple(values.shape)}; one prediction per case")
    if values.dim() == 2 and threshold is not None:
        values = values[:, 1] >= threshold
    elif values.dim() == 2:
        values = values.argmax(dim=1) if values.size(1) > 1 else values[:, 0]
    return values.long()
