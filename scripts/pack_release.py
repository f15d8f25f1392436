"""Pack the tracked files of this checkout into a folder: wheel, sdist, a zip of every bundle, and SHA256SUMS."""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# the name in MONAI's zoo says data and task; that of the folder does so, but for the bundle of the package
NAMES, TASK = {"bundle": "adrenal_ct"}, "classification"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # a zip of the same files is the same zip
BUILD = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"


def main(dist: Path) -> None:
    """Pack everything into ``dist``, and print what it holds."""
    dist.mkdir(parents=True, exist_ok=True)
    pack_package(dist.resolve())
    for metadata in sorted([*ROOT.glob("bundle/configs/metadata.json"), *ROOT.glob("zoo/*/configs/metadata.json")]):
        pack_bundle(metadata, dist)
    files = sorted(path for path in dist.iterdir() if path.name != "SHA256SUMS")
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    (dist / "SHA256SUMS").write_text(sums, encoding="utf-8")
    print(sums, end="")


def pack_package(dist: Path) -> None:
    """Build the sdist from the tracked files alone, and the wheel from the sdist alone."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        for name in tracked("."):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name)
        build("build_sdist", tree, dist)
        (sdist,) = dist.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        build("build_wheel", Path(folder) / sdist.name.removesuffix(".tar.gz"), dist)


def build(what: str, tree: Path, dist: Path) -> None:
    """Call the build backend of pyproject.toml in a process of its own; it speaks only if it fails."""
    done = subprocess.run([sys.executable, "-c", BUILD, what, dist], cwd=tree, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{what} failed:\n{done.stdout}{done.stderr}")


def pack_bundle(metadata: Path, dist: Path) -> None:
    """Write ``NAME_vVERSION.zip`` with the folder ``NAME``, which is what MONAI's ``download`` unpacks."""
    bundle = metadata.parents[1]
    name = f"{NAMES.get(bundle.name, bundle.name)}_{TASK}"
    version = json.loads(metadata.read_text(encoding="utf-8"))["version"]
    with zipfile.ZipFile(dist / f"{name}_v{version}.zip", "w") as archive:
        for file in tracked(bundle.relative_to(ROOT).as_posix()):
            entry = zipfile.ZipInfo(f"{name}/{(ROOT / file).relative_to(bundle).as_posix()}", LONG_AGO)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (ROOT / file).read_bytes(), zipfile.ZIP_DEFLATED)


def tracked(folder: str) -> list[str]:
    """Names of the files under ``folder`` that git tracks and that are there."""
    command = ["git", "ls-files", "-z", "--", folder]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in names if (ROOT / name).is_file()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
