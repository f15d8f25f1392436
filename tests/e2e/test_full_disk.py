"""A disk that is really full: predict and cohort end in one line, and what is finished is whole."""

import json
import subprocess
import sys

import numpy as np
import pytest

from monai_das.datasets import write_nifti
from tests.cohort.archive import write_manifest


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def studies(tmp_path):
    """Eight volumes, whose reports take more than 1 MiB."""
    for number in range(8):
        values = np.random.default_rng(number).integers(0, 200, (64, 64, 64), dtype=np.uint8)
        write_nifti(values, tmp_path / "studies" / f"{number}.nii")
    return tmp_path / "studies"


def monai_das(*words):
    command = [sys.executable, "-m", "monai_das.cli.main", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_predict_and_its_next_run(small_disk, studies, tmp_path):
    words = ("predict", studies, "--report", "json,html,slices", "--accept-any-input")
    done = monai_das(*words, "-o", small_disk / "out")
