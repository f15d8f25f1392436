"""What can be known of the container without Docker: the Dockerfile, app.yaml and requirements fit this checkout."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import monai_das
from monai_das.deploy.run import model_file

ROOT = Path(__file__).parents[2]
APP = ROOT / "scripts" / "deploy_app"
# a line that ends in a backslash goes on
LINES = (APP / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
STEPS = [line.split(None, 1) for line in LINES if line and not line.startswith("#")]
PINS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


def steps(name):
    return [rest for word, rest in STEPS if word == name]


def copied(image):
    """Do what COPY does, into the folder ``image`` for ``/``; return what WORKDIR was at each ``pip install .``."""
    here = installed = None
    for word, rest in STEPS:
        if word == "WORKDIR":
            here = image / rest.lstrip("/")
            here.mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            *sources, to = rest.split()
            place = image / to.lstrip("/") if to.startswith("/") else here / to
            for source in sources:
                assert tracked(source), f"COPY {source}: not in this repository"
                target = place / Path(source).name if to.endswith("/") else place
                target.parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, target)
        elif word == "RUN" and '".[' in rest:
            installed = here
    return installed


def tracked(source):
    found = subprocess.run(["git", "ls-files", "--", source], cwd=ROOT, capture_output=True, text=True, check=True)
    return bool(found.stdout.strip())


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    return folder, copied(folder)


@pytest.fixture(scope="module")
def metadata(image, tmp_path_factory):
    """What the wheel says of itself, built in the folder that holds nothing but what was copied before."""
    folder = tmp_path_factory.mktemp("metadata")
    code = "from setuptools.build_meta import *; import sys; print(prepare_metadata_for_build_wheel(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, folder], cwd=image[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*/METADATA")
    return found.read_text(encoding="utf-8")


def test_what_is_copied_is_enough_to_install(metadata):
    assert f"Version: {monai_das.__version__}" in metadata
    assert "Provides-Extra: deploy" in metadata


def test_application_and_model_are_where_the_container_looks(image):
    folder, _ = image
    places = dict(word.split("=", 1) for word in steps("ENV")[0].split())
    (entry,) = steps("ENTRYPOINT")

    assert {"HOLOSCAN_INPUT_PATH", "HOLOSCAN_OUTPUT_PATH", "HOLOSCAN_MODEL_PATH", "HOLOSCAN_WORKDIR"} <= set(places)
    assert model_file(folder / places["HOLOSCAN_MODEL_PATH"].lstrip("/")).name == "model.ts"
    command, app = json.loads(entry)
    assert command == "python"
    assert {"__main__.py", "rules.json"} <= {path.name for path in (folder / app.lstrip("/")).iterdir()}


def test_torch_comes_first_and_all_else_by_the_pins():
    first, *others = (step for step in steps("RUN") if "pip install" in step)

    (pattern,) = re.findall(r"grep '(.+?)' constraints.txt", first)
    assert [pin for pin in PINS if re.match(pattern, pin)] == [pin for pin in PINS if pin.startswith("torch==")] != []
    assert others
    assert all("-c constraints.txt" in step for step in others)


def test_the_requirements_are_those_of_the_wheel_and_the_pins(metadata):
    lines = (APP / "requirements.txt").read_text(encoding="utf-8").splitlines()

    torch, ours = (Requirement(line) for line in lines if not line.startswith("#"))

    assert str(torch) in PINS
    assert (ours.name, ours.extras, str(ours.specifier)) == ("monai-das", {"deploy"}, f"=={monai_das.__version__}")
    assert "Name: monai-das" in metadata
    assert "Provides-Extra: deploy" in metadata


def test_the_packager_reads_our_version():
    """By the keys that holoscan-cli 4.2 asks for, the last one with the command ``monai-deploy package``."""
    described = (APP / "app.yaml").read_text(encoding="utf-8")

    assert dict(re.findall(r"^  ([\w-]+): (.+)$", described, flags=re.MULTILINE)) == {
        "title": "monai-das",
        "version": monai_das.__version__,
        "input-formats": '["file"]',
        "output-formats": '["file"]',
        "cpu": "2",
        "gpu": "0",
        "memory": "2Gi",
    }
