"""The pool of worker processes."""

import math
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from benchmarks.engine.pool import run_in_pool
from tests.benchmarks.engine.processes import alive, ends

ROOT = Path(__file__).parents[3]
PARENT = """
import os, time
from benchmarks.engine.pool import run_in_pool

def job(seconds):
    print(os.getpid(), flush=True)
    time.sleep(seconds)

if __name__ == "__main__":
    list(run_in_pool(job, [60.0], 1))
"""


@pytest.mark.parametrize("processes", [0, 2])
def test_every_job_comes_with_its_outcome(processes):
    assert dict(run_in_pool(math.factorial, [3, 4, 5], processes)) == {3: 6, 4: 24, 5: 120}


def test_outcomes_come_as_they_are_finished():
    jobs = iter(run_in_pool(time.sleep, [1.5, 0.0, 0.0], 2))

    assert [job for job, _ in jobs] == [0.0, 0.0, 1.5]


def test_without_processes_nothing_leaves_this_one():
    assert list(run_in_pool(lambda job: (job, os.getpid()), ["a"], 0)) == [("a", ("a", os.getpid()))]


def test_a_failed_job_ends_the_others(tmp_path):
    jobs = [partial(math.sqrt, -1.0), *(partial(Path.touch, tmp_path / str(number)) for number in range(50))]

    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        list(run_in_pool(call, jobs, 1))

    assert len(list(tmp_path.iterdir())) < 50


def call(job):
    return job()


def test_a_negative_number_of_processes_is_refused():
    with pytest.raises(ValueError, match=r"processes must be 0 \(run in this process\) or more, got -1"):
        list(run_in_pool(abs, [1], -1))


def test_a_killed_parent_leaves_no_process_behind(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    with subprocess.Popen([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True) as parent:
        worker = parent.stdout.readline().strip()
        assert alive(worker)
        parent.send_signal(signal.SIGKILL)

    assert ends(worker)
