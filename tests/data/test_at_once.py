import os
import threading
from contextvars import ContextVar

import pytest
import torch

from monai_das.data.at_once import at_once, processors

HELD: ContextVar[int] = ContextVar("held", default=0)


def test_results_keep_the_order_of_the_items():
    last = threading.Event()

    def act(item):
        # the first ends after the last
        last.wait(5) if item == 0 else last.set()
        return -item

    assert at_once(act, [0, 1, 2], most=2) == [0, -1, -2]


def test_no_more_run_at_once_than_may():
    running, most, lock = 0, 0, threading.Lock()
    three = threading.Barrier(3)

    def act(_):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        three.wait(5)
        with lock:
            running -= 1

    at_once(act, range(9), most=3)

    assert most == 3


@pytest.mark.parametrize(("most", "count"), [(1, 5), (0, 5), (4, 1)])
def test_one_at_a_time_needs_no_thread(most, count):
    found = at_once(lambda _: threading.current_thread(), range(count), most)

    assert found == [threading.current_thread()] * count


@pytest.mark.parametrize("most", [1, 3])
def test_the_first_item_that_fails_tells_the_error_and_no_further_one_begins(most):
    begun, later_failed = [], threading.Event()

    def act(item):
        begun.append(item)
        if item == 2:
            later_failed.set()
        if item == 1 and most > 1:
            assert later_failed.wait(5)
        if item:
            raise ValueError(item)

    with pytest.raises(ValueError, match=r"^1$"):
        at_once(act, range(1000), most)
    assert len(begun) < 100


def test_context_variables_hold_in_the_threads():
    token = HELD.set(7)
    try:
        assert at_once(lambda _: HELD.get(), range(4), most=2) == [7] * 4
    finally:
        HELD.reset(token)


@pytest.mark.parametrize(("torch_threads", "affinity", "expected"), [(1, 8, 1), (3, 8, 3), (8, 2, 2)])
def test_threads_are_those_of_pytorch_and_of_the_process(monkeypatch, torch_threads, affinity, expected):
    monkeypatch.setattr(torch, "get_num_threads", lambda: torch_threads)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)))

    assert processors() == expected
