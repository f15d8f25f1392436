"""Run the MONAI Deploy application in its environment, with no CUDA toolkit of the system visible to the loader."""

import json
import os
import plistlib
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.uid import CTImageStorage

from monai_das.datasets import write_dicom_series
from tests.case_folders import only_case, only_result

ROOT = Path(__file__).parents[2]
APP = ROOT / "scripts" / "deploy_app"
ENVIRONMENT = ROOT / ".venv-deploy"
MODEL = ROOT / "bundle" / "models" / "model.ts"
# a loader that does not look at /etc/ld.so.cache, where a toolkit of the system stands
LOADER = Path("/lib64/ld-linux-x86-64.so.2")
# what a user types, and after it which CUDA runtimes the process holds
PROBE = """
import runpy, sys
app, out, *arguments = sys.argv[1:]
sys.argv = [app, *arguments]
try:
    runpy.run_path(app, run_name="__main__")
except SystemExit as stop:
    code = stop.code
lines = open("/proc/self/maps").read().splitlines()
open(out, "w").write("\\n".join(sorted({line.split()[-1] for line in lines if "libcudart" in line})))
sys.exit(code)
"""


@dataclass(frozen=True)
class DeployRun:
    """What one run left behind."""

    code: int
    log: str
    folder: Path
    cudart: tuple[str, ...]

    def result(self):
        return only_result(self.folder)

    @property
    def case(self):
        """The folder of the only case."""
        return only_case(self.folder)

    def errors(self):
        return json.loads((self.folder / "errors.json").read_text(encoding="utf-8"))["errors"]


def run_deploy(study, folder, *options, **environment):
    """Run the application on the folder ``study``; reports go into ``folder``."""
    return _run(APP, ["-i", study, "-o", folder, "-m", MODEL, "--accept-any-input", *options], folder, environment)


def run_as_in_a_container(study, folder):
    """The same as the Dockerfile has it: the application's folder alone, told by variables where everything is."""
    app, models = (folder.with_name(name) for name in ("app", "models"))
    shutil.copytree(APP, app)
    (models / "das").mkdir(parents=True)
    shutil.copy(MODEL, models / "das")
    places = {"INPUT": study, "OUTPUT": folder, "MODEL": models}
    return _run(
        app, ["--accept-any-input"], folder, {f"HOLOSCAN_{name}_PATH": str(path) for name, path in places.items()}
    )


def _run(app, arguments, folder, environment):
    folder.mkdir()
    maps = folder.with_suffix(".maps")
    hidden = {"LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "PYTHONPATH", "VIRTUAL_ENV"}
    clean = {name: value for name, value in os.environ.items() if name not in hidden}
    loader = [LOADER, "--inhibit-cache", "--library-path", sysconfig.get_config_var("LIBDIR")]
    # a folder with MONAI stands for all that is installed
    options = ["-S"] if (Path(environment.get("PYTHONPATH", folder)) / "monai").exists() else []
    words = [app, maps, *arguments]
    done = subprocess.run(
        [*loader, ENVIRONMENT / "bin" / "python", *options, "-c", PROBE, *words],
        env={**clean, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=500,
    )
    loaded = maps.read_text(encoding="utf-8").split() if maps.exists() else []
    return DeployRun(done.returncode, done.stdout + done.stderr, folder, tuple(loaded))


def command_line(study, folder, *options):
    """Return ``result.json`` of ``monai-das predict`` on the same study."""
    (found,) = command_line_results(study, folder, *options).values()
    return found


def command_line_results(study, folder, *options):
    """Return every ``result.json`` of ``monai-das predict`` on the same studies, by case."""
    command = [Path(sys.executable).with_name("monai-das"), "predict", study, "--bundle", ROOT / "bundle", "-o", folder]
    subprocess.run([*command, "--report", "json", "--accept-any-input", *options], check=True, capture_output=True)
    return {file.parent.name: json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*/result.json")}


def referenced(path):
    """Return the SOPInstanceUID and frame (None without) of every image that the DICOM document ``path`` refers to."""
    found = set()
    for item in content_items(dcmread(path)):
        for reference in item.get("ReferencedSOPSequence", ()):
            frames = reference.get("ReferencedFrameNumber")
            frames = [None] if frames is None else np.atleast_1d(frames).tolist()
            found |= {(str(reference.ReferencedSOPInstanceUID), frame) for frame in frames}
    return found


def content_items(item):
    for child in item.get("ContentSequence", ()):
        yield child
        yield from content_items(child)


def write_head_ct(folder, *, step=4, **tags):
    """Write the head CT of Debian's ``invesalius-examples``, every ``step``-th slice, as a DICOM CT series."""
    (archive,) = (ROOT / ".cache" / "head_ct").rglob("Cranium.inv3")
    with tarfile.open(archive) as members:
        by_name = {Path(member.name).name: member for member in members.getmembers()}
        project = plistlib.loads(members.extractfile(by_name["main.plist"]).read())
        values = members.extractfile(by_name["matrix.dat"]).read()
    volume = np.frombuffer(values, dtype=project["matrix"]["dtype"]).reshape(project["matrix"]["shape"])[::step]
    columns, rows, slices = project["spacing"]
    write_dicom_series(np.ascontiguousarray(volume.transpose(2, 1, 0)), folder, spacing=(columns, rows, slices * step))
    for path in folder.iterdir():
        image = dcmread(path)
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = CTImageStorage
        image.Modality = "CT"
        for keyword, value in tags.items():
            setattr(image, keyword, value)
        image.save_as(path)


def site_packages_without(folder, *names):
    """Return ``folder`` with links to all that the environment has installed, but for what begins with ``names``."""
    folder.mkdir()
    (installed,) = (ENVIRONMENT / "lib").glob("python3.*/site-packages")
    for entry in installed.iterdir():
        if not entry.name.startswith(names):
            (folder / entry.name).symlink_to(entry)
    # an editable install is found by a file that only `site` reads
    (folder / "monai_das").unlink(missing_ok=True)
    (folder / "monai_das").symlink_to(ROOT / "monai_das")
    return folder


def wheel_alone(folder):
    """Return ``folder`` with the wheel in it that the last line of requirements.txt names; it goes before others."""
    dist = folder.with_name("dist")
    subprocess.run([sys.executable, ROOT / "scripts" / "pack_release.py", dist], check=True, timeout=300)
    wanted = (APP / "requirements.txt").read_text(encoding="utf-8").splitlines()[-1]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", folder, wanted]
    subprocess.run(pip, check=True, timeout=300, env={**os.environ, "PIP_FIND_LINKS": str(dist)})
    return folder


def copied(path, folder):
    folder.mkdir()
    shutil.copy(path, folder)
    return folder
