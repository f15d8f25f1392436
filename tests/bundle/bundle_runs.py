"""How the tests build and run the bundles."""

import json
import os
import subprocess
import sys
from pathlib import Path

from monai.bundle import ConfigWorkflow

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundle"
ULTRASOUND = ROOT / "zoo" / "lung_ultrasound"
FLAIR = ROOT / "zoo" / "brain_flair"
BUNDLES = [BUNDLE, *sorted(ROOT.glob("zoo/*/"))]
SCHEMA_MD5 = "06954cad2cc5d3784e72077ac76f0fc8"  # of MONAI's meta_schema_20240725.json
METHODS = sorted(ROOT.glob("configs/method/*.json"))
# enough to take every path in seconds: a handful of 28-cubed cases
SMALL = {"size": 28, "num_slices": 3, "batch_size": 4, "epochs": 1}


def config(name, bundle=BUNDLE):
    """Return one config of a bundle as it is written."""
    return json.loads((bundle / "configs" / name).read_text(encoding="utf-8"))


def workflow(bundle, files, settings, kind="train"):
    """Return a workflow, not yet initialised, of configs of ``bundle`` (or paths) with ``settings`` on top."""
    paths = [str(file if isinstance(file, Path) else bundle / "configs" / file) for file in files]
    meta = str(bundle / "configs" / "metadata.json")
    return ConfigWorkflow(paths, meta_file=meta, logging_file=False, workflow_type=kind, **settings)


def monai_bundle(*arguments, cwd, processes=1):
    """Run ``python -m monai.bundle`` in ``cwd`` and return what it prints; a failure shows its end."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    launcher = torchrun if processes > 1 else []
    command = [sys.executable, *launcher, "-m", "monai.bundle", *map(str, arguments)]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout + done.stderr


def options(settings):
    """Return ``settings`` as options of the command line."""
    return [part for name, value in settings.items() for part in (f"--{name}", str(value))]
