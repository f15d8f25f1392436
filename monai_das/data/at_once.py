"""Several slices read at once, with the results, the order and the errors of reading one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextvars import copy_context
from threading import Event
from typing import TypeVar

import torch

# to one server
REQUESTS_AT_ONCE = 4

T = TypeVar("T")
R = TypeVar("R")


def processors() -> int:
    """Return how many threads may compute: as many as PyTorch uses, and not more than the process has processors.

    So a worker of a cohort or of a DataLoader, which gives PyTorch one thread, reads with one.
    """
    return min(torch.get_num_threads(), len(os.sched_getaffinity(0)))


def at_once(act: Callable[[T], R], items: Sequence[T], most: int) -> list[R]:
    """Return ``[act(item) for item in items]``, of which at most ``most`` run at once.

    Where one fails no further one begins, and the error is that of the first item that fails, in the order of
    ``items``. Context variables, such as the limit of memory, hold in the threads too.

    Example:
        >>> at_once(abs, [-3, 1, -2], most=2)
        [3, 1, 2]
    """
    if min(most, len(items)) < 2:
        return [act(item) for item in items]
    failed = Event()

    def act_unless_failed(item: T) -> R:
        if failed.is_set():
            # items begin in their order, so the error of an earlier one comes before this
            raise CancelledError
        try:
            return act(item)
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(min(most, len(items))) as pool:
        runs = [copy_context().run for _ in items]
        return list(pool.map(lambda run, item: run(act_unless_failed, item), runs, items))
