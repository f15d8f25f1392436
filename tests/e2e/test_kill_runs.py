"""The short form of ``scripts/kill_runs.py --kills 200``: runs are killed at random, and nothing is lost or doubled."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill_runs.py"


def test_nothing_is_lost_or_doubled_by_ten_kills():
    words = ["--kills", "10", "--only", "push", "--only", "predict"]

    done = subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True, timeout=500)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("5 kills, ") == 2
