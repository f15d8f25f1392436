"""Which cases readers should see first: where the model is least sure, what active learning lives on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ORDERS = ("uncertain", "score", "random")


def reading_order(probabilities: NDArray[np.floating], order: str = "uncertain", seed: int = 0) -> list[int]:
    """Return the numbers of N cases in the order in which they should be read.

    Args:
        probabilities: ``(N, classes)``, each row sums to 1.
        order: ``"uncertain"``: the highest entropy of the probabilities first. ``"score"``: the highest probability of
            the most probable class first. ``"random"``. Of equal cases, the one that was given first comes first.
        seed: of the random order.

    Raises:
        ValueError: the order is unknown, or ``probabilities`` has another shape.

    References:
        Settles, *Active Learning Literature Survey*, Univ. of Wisconsin-Madison, TR 1648, 2009, section 3.1.

    Example:
        >>> reading_order(np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]))
        [1, 2, 0]
    """
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, got {order!r}")
    if probabilities.ndim != 2 or not probabilities.shape[1]:
        raise ValueError(f"probabilities must be (N, classes), got {probabilities.shape}; give a row for each case")
    if order == "random":
        return [int(place) for place in np.random.default_rng(seed).permutation(len(probabilities))]
    if order == "score":
        rank = probabilities.max(axis=1)
    else:
        # 0 log 0 is 0
        rank = -(probabilities * np.log(np.clip(probabilities, np.finfo(float).tiny, None))).sum(axis=1)
    return [int(place) for place in np.argsort(-rank, kind="stable")]
