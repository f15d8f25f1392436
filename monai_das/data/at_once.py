"""Several slices read at once, with the results, the order and the errors of reading one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextvars import copy_context
from threading import Event, Lock, Thread
from typing import TypeVar

import torch

# to one server
REQUESTS_AT_ONCE = 4

_SETTING = Lock()
T = TypeVar("T")
R = TypeVar("R")


def processors() -> int:
    """Return how many threads may compute: as many as PyTorch uses, and not more than the process has processors.

    So a worker of a cohort or of a DataLoader, which gives PyTorch one thread, reads with one.
    """
    # Linux alone knows what of its processors a process may use
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(torch.get_num_threads(), usable)


def at_once(act: Callable[[T], R], items: Sequence[T], most: int, *, computes: bool = False) -> list[R]:
    """Return ``[act(item) for item in items]``, of which at most ``most`` run at once, and one at least.

    Where one fails no further one begins, and the error is that of the first item that fails, in the order of
    ``items``. Context variables, such as the limit of memory, hold in the threads too. Each thread gives PyTorch one
    thread: two that share a slice wait for each other longer than they compute, on a busy machine a hundred times.
    ``computes`` says that PyTorch is called; then one item at a time has such a thread too.

    Example:
        >>> at_once(abs, [-3, 1, -2], most=2)
        [3, 1, 2]
    """
    most, threads = max(1, min(most, len(items))), torch.get_num_threads()
    if len(items) < 2 or (most == 1 and not (computes and threads > 1)):
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

    with ThreadPoolExecutor(most, initializer=_give_pytorch_one_thread, initargs=(threads,)) as pool:
        runs = [copy_context().run for _ in items]
        return list(pool.map(lambda run, item: run(act_unless_failed, item), runs, items))


def _give_pytorch_one_thread(others: int) -> None:
    """Give PyTorch one thread where this one calls it, and ``others`` where threads to come do.

    Its setting is of the calling thread, and of all that have not called PyTorch yet.
    """
    with _SETTING:
        # the first call of a thread takes over the setting for threads to come
        torch.get_num_threads()
        torch.set_num_threads(1)
        again = Thread(target=torch.set_num_threads, args=(others,))
        again.start()
        again.join()
