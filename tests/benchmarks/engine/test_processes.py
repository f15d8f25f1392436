"""The processes of a sweep end with it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.engine.processes import alive, ends

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
    grid = write_grid(recipe={"epochs": 5, "batch_size": 4})
    command = [sys.executable, str(script), str(grid), str(tmp_path / "runs.jsonl"), str(masks)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        # nothing is said with a worker at work until the first job is done
        (worker,) = next(line.split() for line in process.stdout if line.strip())
        assert alive(worker)
        process.send_signal(signal.SIGKILL)

    assert ends(worker)
