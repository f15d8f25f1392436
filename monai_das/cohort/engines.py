"""Where the blocks of a cohort are done: in this process, in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import ctypes
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, Protocol, TypeVar

from monai_das._optional import require
from monai_das.cohort.worker import Job, Worker
from monai_das.reports import CannotWriteError

Cases = list[dict[str, Any]]
# workers that die one after another before they have loaded the model
MOST_STILLBORN = 10
_STILLBORN = "{count} workers died one after another before they had loaded the model; try monai-das predict"
# seconds for a first answer from Ray
START = 300.0
Member = TypeVar("Member")


class Engine(Protocol):
    """Does blocks of cases."""

    def run(self, job: Job, blocks: Iterable[Cases]) -> Iterator[int]:
        """Do all ``blocks``, and yield the number of cases whenever one is done: each of its cases has a record.

        A worker that dies is replaced, and its block given out again. Which case killed it is in the case's mark, so
        no case is begun without end.

        Raises:
            RuntimeError: workers cannot start.
            CannotWriteError: the disk is full or read-only.
        """
        ...


class LocalEngine:
    """Processes of this machine, one thread each.

    Args:
        workers: their number. 0 does the work in this process, where a crash ends the run (which can be continued) and
            no case has a time limit.

    Raises:
        ValueError: ``workers`` is negative.
    """

    def __init__(self, workers: int = 1) -> None:
        if workers < 0:
            raise ValueError(f"workers must be at least 0, got {workers}")
        self.workers = workers

    def run(self, job: Job, blocks: Iterable[Cases]) -> Iterator[int]:
        """Do all ``blocks``; see :class:`Engine`."""
        if self.workers:
            yield from _Processes(job).run(blocks, self.workers)
            return
        worker = Worker(job, watched=False)
        for cases in blocks:
            worker.do(cases)
            yield len(cases)


class RayEngine:
    """Actors of Ray, one core and one thread each. Ray places them, and nothing else is left to it.

    Ray Data's own retries have no end, or lose rows; here an actor that dies is replaced by the driver, as a process of
    :class:`LocalEngine` is. All nodes see the data and the cohort's folder under the same paths.

    Args:
        workers: number of actors; one core more is left for Ray itself.
        address: of a cluster, such as ``"auto"`` or ``"ray://head:10001"``; None starts Ray here, for this run alone.

    Raises:
        ValueError: ``workers`` is below 1.
        ImportError: the extra ``ray`` is not installed.
    """

    def __init__(self, workers: int = 1, address: str | None = None) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1 with Ray, got {workers}")
        self.workers, self.address = workers, address
        self.ray = require("ray", extra="ray")

    def run(self, job: Job, blocks: Iterable[Cases]) -> Iterator[int]:
        """Do all ``blocks``; see :class:`Engine`.

        Raises:
            RuntimeError: Ray does not start or is not reached, the cluster has too few cores, or workers cannot start.
        """
        own = {"num_cpus": self.workers + 1, "object_store_memory": 200 << 20, "include_dashboard": False}
        # "local": without an address Ray would join a cluster that this machine happens to have
        place = {"address": "local", **own} if self.address is None else {"address": self.address}
        try:
            self.ray.init(log_to_driver=False, logging_level="ERROR", **place)
        except Exception as error:  # what Ray raises is no promise of it
            where = f"join the cluster at {self.address}" if self.address else "start on this machine"
            said = str(error).strip().partition("\n")[0]
            raise RuntimeError(f"Ray cannot {where} ({said}); look at: ray status") from error
        try:
            self._check_cores()
            yield from _Actors(job, self.ray).run(blocks, self.workers)
        finally:
            self.ray.shutdown()

    def _check_cores(self) -> None:
        """Raise ``RuntimeError`` where Ray would wait for cores in silence."""
        cores = int(self.ray.available_resources().get("CPU", 0))
        if cores < self.workers + 1:
            raise RuntimeError(
                f"{self.workers} workers need {self.workers + 1} free cores, one of them for Ray, which has {cores}; "
                f"give --workers {max(1, cores - 1)}, or add nodes"
            )


class Crew(ABC, Generic[Member]):
    """Abstract: workers in processes of their own, and what becomes of the block of one that dies."""

    @abstractmethod
    def start(self) -> Member:
        """Start a worker, which answers once it has loaded the model."""

    @abstractmethod
    def answers(self, members: Sequence[Member]) -> list[tuple[Member, bool]]:
        """Wait for at least one of ``members``, and return each that has answered (True) or died (False)."""

    @abstractmethod
    def give(self, member: Member, cases: Cases) -> None:
        """Let ``member`` do ``cases``, and answer."""

    @abstractmethod
    def end(self, member: Member) -> None:
        """End a worker, whatever it does."""

    def run(self, blocks: Iterable[Cases], count: int) -> Iterator[int]:
        """Do ``blocks`` with ``count`` workers; see :class:`Engine`."""
        waiting, again = iter(blocks), list[Cases]()
        busy: dict[Member, Cases | None] = {self.start(): None for _ in range(count)}
        stillborn = 0
        try:
            while busy:
                for member, alive in self.answers(list(busy)):
                    cases = busy[member]
                    following = None
                    if alive:
                        stillborn = 0
                        following = again.pop() if again else next(waiting, None)
                    else:
                        stillborn += cases is None
                        again += [] if cases is None else [cases]
                        _check_births(stillborn)
                        busy[self.start()] = None
                    if following is None:
                        del busy[member]
                        self.end(member)
                    else:
                        busy[member] = following
                        self.give(member, following)
                    if alive and cases is not None:
                        yield len(cases)
        finally:
            for member in busy:
                self.end(member)


def _check_births(stillborn: int) -> None:
    if stillborn >= MOST_STILLBORN:
        raise RuntimeError(_STILLBORN.format(count=stillborn))


class _Process:
    """A worker in a process of this machine, and the driver's end of the pipe to it."""

    def __init__(self, job: Job) -> None:
        # a server that has imported torch once, and holds no thread yet, so that a worker starts at once
        context = get_context("forkserver")
        context.set_forkserver_preload(["monai_das.cohort.worker"])
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, job), daemon=True)
        self.process.start()
        theirs.close()


class _Processes(Crew[_Process]):
    def __init__(self, job: Job) -> None:
        self.job = job

    def start(self) -> _Process:
        for turn in range(MOST_STILLBORN):
            # the server may be killed too; once the system knows that it is gone, the next start makes another
            time.sleep(0.1 * turn)
            with suppress(EOFError, ConnectionError):
                return _Process(self.job)
        raise RuntimeError(_STILLBORN.format(count=MOST_STILLBORN))

    def answers(self, members: Sequence[_Process]) -> list[tuple[_Process, bool]]:
        ready = wait([each.connection for each in members])
        return [(each, _answered(each.connection)) for each in members if each.connection in ready]

    def give(self, member: _Process, cases: Cases) -> None:
        with suppress(OSError):  # a process that is gone says so at the next look
            member.connection.send(cases)

    def end(self, member: _Process) -> None:
        member.process.kill()
        member.process.join()
        member.connection.close()


def _answered(connection: Connection) -> bool:
    """Say whether the worker has answered, or is gone; raise what it answers if that is an error."""
    try:
        answer = connection.recv()
    except (EOFError, OSError):
        return False
    if isinstance(answer, CannotWriteError):
        raise answer
    return bool(answer)


def _serve(connection: Connection, job: Job) -> None:
    """Do the blocks that come, until the driver is gone."""
    if sys.platform == "linux":
        # the system ends this process with its server, and that ends with the driver
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the driver too, which ends this process
    worker = _single_threaded(job)
    with suppress(EOFError, OSError):
        connection.send(True)
        while True:
            cases = connection.recv()
            try:
                worker.do(cases)
            except CannotWriteError as error:  # no other worker can do it either
                connection.send(error)
                return
            connection.send(True)


def _single_threaded(job: Job) -> Worker:
    import torch

    torch.set_num_threads(1)
    return Worker(job)


class _Actor:
    """A worker in a process of Ray."""

    def __init__(self, job: Job) -> None:
        self.worker = _single_threaded(job)

    def do(self, cases: Cases) -> bool:
        self.worker.do(cases)
        return True


class _Actors(Crew[Any]):
    def __init__(self, job: Job, ray: Any) -> None:
        self.job, self.ray = job, ray
        self.kind = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Actor)
        self.waited: dict[Any, Any] = {}  # the answer of each actor that is awaited
        self.answered = False

    def start(self) -> Any:
        member = self.kind.remote(self.job)
        self.give(member, [])
        return member

    def answers(self, members: Sequence[Any]) -> list[tuple[Any, bool]]:
        owners = {self.waited[member]: member for member in members}
        ready, _ = self.ray.wait(list(owners), timeout=None if self.answered else START)
        if not ready:
            raise RuntimeError(f"no worker of Ray has answered within {START:g} s; look at: ray status")
        self.answered = True
        return [(owners[answer], self._answered(answer)) for answer in ready]

    def give(self, member: Any, cases: Cases) -> None:
        self.waited[member] = member.do.remote(cases)

    def end(self, member: Any) -> None:
        del self.waited[member]
        self.ray.kill(member)

    def _answered(self, answer: Any) -> bool:
        errors = self.ray.exceptions
        try:
            return bool(self.ray.get(answer))
        except (errors.RayActorError, errors.WorkerCrashedError):
            return False
        except errors.RayTaskError as error:  # a full disk without the stack of the worker
            raise error.cause if isinstance(error.cause, CannotWriteError) else error from None
