"""The one pool of worker processes: all commands that run many independent jobs use it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TypeVar

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


def run_in_pool(run: Callable[[Job], Outcome], jobs: Iterable[Job], processes: int) -> Iterator[tuple[Job, Outcome]]:
    """Yield every job with what ``run`` returns of it, as soon as it is finished.

    The processes are spawned and end with this one, however it ends. If a job fails, or the caller stops asking, the
    waiting jobs are dropped.

    Args:
        run: importable by its name, as its arguments travel by pickle; a ``functools.partial`` of such a function too.
        jobs: independent of one another.
        processes: jobs at a time; 0 runs them in this process, in their order.

    Raises:
        ValueError: ``processes`` is negative.
    """
    if processes < 0:
        raise ValueError(f"processes must be 0 (run in this process) or more, got {processes}")
    if processes == 0:
        yield from ((job, run(job)) for job in jobs)
        return
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=end_with_parent)
    try:
        futures = {pool.submit(run, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def end_with_parent() -> None:
    """Let this process end with the one that started it, so that killing a long run leaves nothing behind."""

    def wait() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=wait, daemon=True).start()
