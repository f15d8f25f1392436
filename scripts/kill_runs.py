"""Kill runs at random moments, without warning, and go on: nothing may be lost, doubled or half done.

python scripts/kill_runs.py --kills 200 [--seed 0] [--only predict]

A quarter each for `monai-das predict`, `monai-das review push`, a training that resumes, and a sweep. A run is started
again until it ends; what it leaves is looked at after every kill, and compared at the end with what a run that nobody
disturbed has left. Exit code 1: something was wrong.

Runs are forked from a nursery: a process of its own that has imported what they need, so that a kill falls on their
work, and that has no other threads, as a fork beside a thread may wait for that thread's locks for ever.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from scripts.killed_verbs import VERBS, Verb


def forked(act: Callable[[], None], seconds: float | None = None) -> int | None:
    """Call ``act`` in a fork, killed after ``seconds``; return how it ended: 0 if all went well, None if killed."""
    assert threading.active_count() == 1, "a fork beside a thread may wait for its locks for ever"
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException), open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            act()
            code = 0
        os._exit(code)
    end = None if seconds is None else time.monotonic() + seconds
    while end is None or time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def work(verb: Verb) -> None:
    """Be a nursery: fork a run for each line of JSON, ``[folder, seconds]``, and answer how it ended."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    known = False
    for line in sys.stdin:
        folder, seconds = json.loads(line)
        verb.folder = Path(folder)
        status = forked(verb.act, seconds) if known else import_all_of(verb)
        known = True
        print(json.dumps(status), file=answers, flush=True)


def import_all_of(verb: Verb) -> int | None:
    """Import here what ``verb`` imports in a run, so that no later run has to; return how that run ended."""
    names = verb.place / "modules.txt"

    def act() -> None:
        verb.act()
        names.write_text("\n".join(sys.modules), encoding="utf-8")

    status = forked(act)
    for name in [] if status else names.read_text(encoding="utf-8").split("\n"):
        with contextlib.suppress(Exception):
            import_module(name)
    return status


class Nursery:
    """Runs of the verb ``name``, in forks of a process of its own."""

    def __init__(self, name: str, place: Path) -> None:
        command = [sys.executable, __file__, "--work", name, str(place)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def run(self, folder: Path, seconds: float | None = None) -> bool:
        """Run in ``folder``, killed after ``seconds``; say whether it came to its end.

        Raises:
            AssertionError: it failed by itself.
        """
        self.process.stdin.write(json.dumps([str(folder), seconds]) + "\n")
        self.process.stdin.flush()
        status = json.loads(self.process.stdout.readline())
        assert not status, f"a run that nobody killed ended with {status}"
        return status == 0


def kill(name: str, kills: int, place: Path, draw: random.Random) -> tuple[int, int]:
    """Kill runs of the verb ``name`` ``kills`` times; return how many were killed, and how many came to their end.

    Raises:
        AssertionError: something is lost, doubled or half done.
    """
    verb = VERBS[name](place)
    verb.prepare()
    with Nursery(name, place) as nursery:
        verb.start_again(place / "first")
        nursery.run(verb.folder)
        verb.start_again(place / "whole")
        start = time.monotonic()
        nursery.run(verb.folder)
        return killed_runs(verb, nursery, (kills, time.monotonic() - start), draw)


def killed_runs(verb: Verb, nursery: Nursery, most: tuple[int, float], draw: random.Random) -> tuple[int, int]:
    """Kill runs of ``verb``, whose ``folder`` holds what a run leaves that nobody disturbs.

    ``most`` are the number of kills, and the seconds that a whole run takes. See :func:`kill`.
    """
    (kills, longest), whole, place = most, verb.found(), verb.folder.parent
    assert whole, "the run left nothing"
    killed = finished = 0
    while killed < kills:
        verb.start_again(place / f"run{finished}")
        before: dict[str, Any] = {}
        ended = False
        while not ended:
            ended = nursery.run(verb.folder, draw.uniform(0, longest) if killed < kills else None)
            killed += not ended
            now = verb.found()
            lost = [name for name, value in before.items() if name not in now]
            assert not lost, f"lost: {lost}"
            before = now
        assert before == whole, "the end is another than that of the run that nobody disturbed"
        finished += 1
    return killed, finished


def main() -> int:
    """Kill, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=VERBS, action="append", help="these alone; may be given again")
    parser.add_argument("--work", nargs=2, metavar=("VERB", "PLACE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        name, place = arguments.work
        work(VERBS[name](Path(place)))
        return 0
    chosen, wrong = arguments.only or list(VERBS), 0
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                killed, ended = kill(name, arguments.kills // len(chosen), Path(folder), random.Random(arguments.seed))
                print(f"{name}: {killed} kills, {ended} runs to the end, nothing lost or doubled", flush=True)
            except Exception as error:  # what is half done raises in the library that reads it
                wrong += 1
                print(f"{name}: {type(error).__name__}: {error}", flush=True)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
