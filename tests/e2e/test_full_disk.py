"""A disk that is really full: a run ends in one line, and what is finished is whole."""

import os
import subprocess
import sys

import numpy as np
import pytest

from monai_das.datasets import write_nifti
from tests.case_folders import results
from tests.cohort.archive import write_manifest

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


def run_into_the_end(verb, given, out, *options):
    """Run a command, which must end in one line about the full disk; return the cases that it has written."""
    words = [verb, given, "-o", out, "--accept-any-input", *options]
    command = [sys.executable, "-c", COMMAND, *words]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=300)

    said = [line for line in done.stderr.splitlines() if "case" not in line and ": " in line]
    assert done.returncode == 1, done.stderr
    assert len(said) == 1
    assert said[0].startswith(f"monai-das {verb}: error: --out cannot be written: No space left on device; what is")
    return results(out)


@pytest.fixture
def studies(tmp_path):
    for number in range(24):
        values = np.random.default_rng(number).integers(0, 200, (64, 64, 64), dtype=np.uint8)
        write_nifti(values, tmp_path / "studies" / f"{number}.nii")
    return tmp_path / "studies"


def test_predict_ends_in_one_line_and_what_is_finished_is_whole(small_disk, studies):
    written = run_into_the_end("predict", studies, small_disk / "out")

    assert 0 < len(written) < 24
    for name in written:
        assert sorted(each.name for each in (small_disk / "out" / name).iterdir()) == ["montage.png", "result.json"]
    assert {each.name for each in (small_disk / "out").iterdir()} - {"errors.json"} == set(written)


@pytest.mark.parametrize("engine", [[], ["--address", "local"]], ids=["processes", "ray"])
def test_cohort_ends_in_one_line_and_what_is_finished_is_whole(small_disk, studies, tmp_path, engine):
    rows = [{"case_id": each.stem, "location": str(each), "bytes": 1} for each in sorted(studies.iterdir())]
    manifest = write_manifest(tmp_path / "manifest.csv", rows)

    written = run_into_the_end("cohort", manifest, small_disk / "out", "--report", "json,png", *engine)

    assert 0 < len(written) < 24
