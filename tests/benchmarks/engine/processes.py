"""Whether a process runs, and whether it ends, for the tests of workers."""

import time
from pathlib import Path


def ends(pid: str, seconds: float = 20.0) -> bool:
    """Return whether the process has ended within so many seconds."""
    until = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not alive(pid)


def alive(pid: str) -> bool:
    """Return whether the process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
