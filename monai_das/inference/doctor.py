"""Is everything here that the package needs? Checks of packages, extras, GPU, folders, data and a bundle."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from monai_das.inference.bundle_files import bundle_files
from monai_das.inference.checks import Check

PACKAGE = "monai-das"
EXTRAS = ("dicom", "export", "openvino", "pretrained", "review", "video")
SETS = ("adrenal3d", "covid_blues", "dicom_nih")
NOT_SET = "MONAI_DAS_DATA is not set: configs download what they need to ~/.cache/monai_das"


def check_packages() -> Iterator[Check]:
    """Yield a check of Python, of each package that is needed, and of each extra."""
    yield Check("python", platform.python_version())
    yield _package(PACKAGE)
    needed, extras = _requirements()
    for name in needed:
        yield _package(name)
    for extra, names in extras.items():
        lacking = [name for name in names if _version(name) is None]
        text = f"lacks {', '.join(lacking)}: pip install '{PACKAGE}[{extra}]'" if lacking else "installed"
        yield Check(f"extra {extra}", text, "note" if lacking else "ok")


def check_gpu() -> Check:
    """Return what PyTorch computes on."""
    if torch.cuda.is_available():
        return Check("GPU", torch.cuda.get_device_name())
    return Check("GPU", "none that PyTorch can use; the CPU will do", "note")


def check_folder(name: str, folder: Path) -> Check:
    """Return whether files can be written to ``folder``, or to where it would be made."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            return Check(name, f"{folder} is writable")
    except OSError as error:
        return Check(name, f"{folder} is not writable ({error.strerror}); go elsewhere or mend its rights", "missing")


def check_data(folder: str | None) -> Check:
    """Return which data sets are in ``folder``, the value of ``MONAI_DAS_DATA``; None or empty is not set."""
    if not folder:
        return Check("data", NOT_SET, "note")
    if not Path(folder).is_dir():
        return Check("data", f"MONAI_DAS_DATA names {folder}, which is no folder", "missing")
    there = [name for name in SETS if (Path(folder) / name).is_dir()]
    return Check("data", f"{folder} has {', '.join(there) or 'none of ' + ', '.join(SETS)}", "ok" if there else "note")


def check_bundle(bundle: Path) -> Check:
    """Return whether ``bundle`` has what ``monai-das predict`` needs; nothing in it is executed."""
    try:
        with bundle_files(bundle) as place:
            needed = ("configs/metadata.json", "configs/inference.json", "models/model.pt") if place.is_dir() else ()
            lacking = [name for name in needed if not (place / name).is_file()]
    except (OSError, ValueError) as error:
        return Check("bundle", str(error), "missing")
    if lacking:
        return Check("bundle", f"{bundle} has no {', '.join(lacking)}", "missing")
    return Check("bundle", f"{bundle}; see what is in it: monai-das info {bundle}")


def _requirements() -> tuple[list[str], dict[str, list[str]]]:
    """Return the names of the packages that are needed, and those of each extra."""
    try:
        lines = importlib.metadata.requires(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        lines = []
    needed: list[str] = []
    extras: dict[str, list[str]] = {extra: [] for extra in EXTRAS}
    for line in lines:
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        extra = re.search(r"extra == ['\"](\w+)['\"]", line)
        if extra is None:
            needed.append(name)
        elif extra[1] in extras:
            extras[extra[1]].append(name)
    return needed, {extra: names for extra, names in extras.items() if names}


def _package(name: str) -> Check:
    version = _version(name)
    return Check(name, version or f"not installed: pip install {name}", "ok" if version else "missing")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
