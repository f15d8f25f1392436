"""Peak memory of ``monai-das predict`` on a series of 1000 slices of 512 x 512 pixels; exit code 1: over 1 GiB."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from monai_das.datasets import write_dicom_series

LIMIT_MIB = 1024
SLICES, SIDE, KEPT = 1000, 512, 32


def main() -> int:
    """Write the series, predict it in a process of its own, and print that process's peak."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "series")
        options = ["--num-slices", str(KEPT), "--accept-any-input"]
        command = ["monai-das", "predict", f"{folder}/series", "-o", f"{folder}/out", *options]
        subprocess.run(command, check=True)
    # in KiB on Linux, where a process also answers for what its parent held when it started: little, see write
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory with {KEPT} of {SLICES} slices of {SIDE} x {SIDE}: {peak:.0f} MiB, limit {LIMIT_MIB} MiB")
    return 0 if peak < LIMIT_MIB else 1


def write(folder: Path) -> None:
    """Write a window that slides over noise as uncompressed DICOM; the volume itself is never held."""
    noise = np.random.default_rng(0).integers(0, 1000, (SIDE, SIDE + SLICES - 1), dtype=np.int16)
    volume = np.lib.stride_tricks.sliding_window_view(noise, SIDE, axis=1).transpose(0, 2, 1)
    write_dicom_series(volume, folder)


if __name__ == "__main__":
    sys.exit(main())
