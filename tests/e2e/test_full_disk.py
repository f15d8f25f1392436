"""A disk that is really full: a run ends in one line, and what is finished is whole."""

import os
import subprocess
import sys

import numpy as np
import pytest

from monai_das.datasets import write_nifti
from tests.case_folders import results

COMMAND = "import sys; from monai_das.cli import main; sys.exit(main())"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_predict_ends_in_one_line_and_what_is_finished_is_whole(small_disk, tmp_path):
    for number in range(24):
        values = np.random.default_rng(number).integers(0, 200, (64, 64, 64), dtype=np.uint8)
        write_nifti(values, tmp_path / "studies" / f"{number}.nii")
    words = ["predict", tmp_path / "studies", "-o", small_disk / "out", "--accept-any-input"]

    done = subprocess.run([sys.executable, "-c", COMMAND, *words], capture_output=True, text=True, env=os.environ)

    said = [line for line in done.stderr.splitlines() if "/24 [" not in line and ": " in line and "case-" not in line]
    written = results(small_disk / "out")
    assert done.returncode == 1
    assert len(said) == 1
    assert said[0].startswith("monai-das predict: error: --out cannot be written: No space left on device; what is")
    assert 0 < len(written) < 24
    for name in written:
        assert sorted(each.name for each in (small_disk / "out" / name).iterdir()) == ["montage.png", "result.json"]
    assert {each.name for each in (small_disk / "out").iterdir()} - {"errors.json"} == set(written)
