"""The wheel, installed into a fresh environment, works outside a clone: no network, no checkout."""

import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from monai_das.datasets import make_sample_volumes, write_nifti
from tests.case_folders import only_result
from tests.own_volumes import volumes

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of programs of a fresh environment with the wheel; the other packages are those of this one."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, ROOT / "scripts" / "pack_release.py", folder / "dist"], check=True, timeout=300)
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    (wheel,) = (folder / "dist").glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index", "--no-deps", wheel]
    # a checkout on PYTHONPATH would count as installed already
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(pip, check=True, timeout=300, env=bare)
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    return python.parent


@pytest.fixture
def run(installed, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(program, *words, code=0):
        command = [installed / program, *map(str, words)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_package_is_the_wheels(run, installed):
    place = run("python", "-c", "import monai_das; print(monai_das.__file__)")

    assert Path(place.strip()).is_relative_to(installed.parent)


def test_predict_needs_no_clone_and_no_bundle(run, tmp_path):
    write_nifti(make_sample_volumes(1)[0]["image"][0], tmp_path / "case.nii.gz")

    run("monai-das", "predict", "case.nii.gz", "--accept-any-input", "-o", "out")

    model = only_result(tmp_path / "out")["model"]
    weights = (ROOT / "bundle" / "models" / "model.pt").read_bytes()
    assert model["weights_sha256"] == hashlib.sha256(weights).hexdigest()


def test_own_data_become_a_bundle_that_waits_for_its_weights(run, tmp_path):
    volumes(tmp_path / "data")

    printed = run("monai-das", "new", "data", "-o", "project")

    assert "written to project. Next: train, evaluate, predict" in printed
    assert "bundle: --bundle has no models/model.pt" in run("monai-das", "doctor", "--bundle", "project", code=1)
    assert "classes:              a, b" in run("monai-das", "info", "project")


def test_info_shows_the_bundle_in_the_wheel(run, installed):
    printed = run("monai-das", "info")

    place = Path(printed.splitlines()[0].removeprefix("bundle:").strip())
    assert place.is_relative_to(installed.parent)
    assert "classes:              normal, hyperplasia" in printed


def test_fetch_takes_a_zip_of_the_release(run, installed, tmp_path):
    (zipped,) = (installed.parents[1] / "dist").glob("lung_ultrasound_classification_v*.zip")
    digest = hashlib.sha256(zipped.read_bytes()).hexdigest()

    run("monai-das", "fetch", zipped.as_uri(), "--sha256", digest)

    assert "lung ultrasound" in run("monai-das", "info", "lung_ultrasound_classification").lower()


def test_doctor_finds_all_that_is_needed(run):
    assert "all that is needed is here" in run("monai-das", "doctor")
