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


@pytest.fixture
def pytorch_threads():
    """Return a function that sets how many threads PyTorch uses; they are put back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(("most", "count", "threads", "computes"), [(1, 5, 1, True), (0, 5, 3, False), (4, 1, 3, True)])
def test_one_at_a_time_needs_no_thread(pytorch_threads, most, count, threads, computes):
    pytorch_threads(threads)

    found = at_once(lambda _: threading.current_thread(), range(count), most, computes=computes)

    assert found == [threading.current_thread()] * count


@pytest.mark.parametrize("most", [0, 1, 2])
def test_pytorch_has_one_thread_inside_and_as_many_as_before_elsewhere(pytorch_threads, most):
    pytorch_threads(3)
    elsewhere = []

    inside = at_once(lambda _: torch.get_num_threads(), range(5), most, computes=True)

    late = threading.Thread(target=lambda: elsewhere.append(torch.get_num_threads()))
    late.start()
    late.join()
    assert (inside, elsewhere, torch.get_num_threads()) == ([1] * 5, [3], 3)


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
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)), raising=False)

    assert processors() == expected


def test_without_affinity_the_processors_of_the_machine_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)

    assert processors() == 3
