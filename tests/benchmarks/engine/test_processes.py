"""The processes of a sweep end with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
SWEEP = """
import multiprocessing, sys
from pathlib import Path
from benchmarks.engine.sweep import run_sweep

def report(line):
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)

if __name__ == "__main__":
    run_sweep(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], 1, report)
"""


def test_a_killed_sweep_leaves_no_process_behind(write_grid, masks, tmp_path):
    script = tmp_path / "sweep.py"
    script.write_text(SWEEP)
    grid = write_grid(recipe={"epochs": 60, "batch_size": 4})
    command = [sys.executable, str(script), str(grid), str(tmp_path / "runs.jsonl"), str(masks)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        # nothing is said with a worker at work until the first job is done
        (worker,) = next(line.split() for line in process.stdout if line.strip())
        assert alive(worker)
        process.send_signal(signal.SIGKILL)

    ends = time.monotonic() + 20.0
    while alive(worker) and time.monotonic() < ends:
        time.sleep(0.1)
    assert not alive(worker)


def alive(pid: str) -> bool:
    """Return whether the process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
