"""What a bundle says of itself, read without running it."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from monai_das.inference.bundle_code import code_in_config
from monai_das.inference.bundle_files import bundle_files, torchscript_texts

UNSAID = "not stated"
IMAGE = ("network_data_format", "inputs", "image")


@dataclass(frozen=True)
class BundleSummary:
    """Facts of a bundle, as text, and the code in it.

    Attributes:
        facts: name and text of each fact, in the order in which people ask.
        code: file, place and text of all that running the bundle would execute; see
            :func:`~monai_das.inference.bundle_code.code_in_config`.
        unread: files that running the bundle may execute too, and that are not looked into.
    """

    facts: dict[str, str]
    code: tuple[tuple[str, str, str], ...]
    unread: tuple[str, ...]


def summarise_bundle(bundle: str | PathLike[str]) -> BundleSummary:
    """Return what ``bundle``, a folder, a zip of one or a ``model.ts``, says of itself; nothing in it is executed.

    Configs are read as JSON, weights as a state dict of shapes by ``weights_only=True``.

    Raises:
        FileNotFoundError: there is no such bundle, or it has no ``configs/metadata.json``.
        ValueError: a config is no JSON object; or see :func:`~monai_das.inference.bundle_files.bundle_files`.
    """
    with bundle_files(bundle) as place:
        script = place.suffix == ".ts"
        texts = torchscript_texts(place) if script else _folder_texts(place)
        if "metadata.json" not in texts:
            raise FileNotFoundError(f"{place} is not a bundle: it has no metadata.json")
        configs = {
            name: _object(text, f"{place}, {name}") for name, text in texts.items() if name.lower().endswith(".json")
        }
        meta, config = configs.pop("metadata.json"), configs.get("inference.json", {})
        facts = _facts(meta, config)
        facts["licence"] = str(meta.get("license") or _first_line(place / "LICENSE"))
        facts["licence of the data"] = str(meta.get("data_license") or _first_line(place / "docs" / "data_license.txt"))
        facts |= {f"weights {path.name}": _weights(path) for path in _weight_files(place)}
        return BundleSummary(
            facts=facts,
            code=tuple((name, *each) for name, content in sorted(configs.items()) for each in code_in_config(content)),
            unread=("the code of the TorchScript itself",) if script else _unread(place),
        )


def _folder_texts(folder: Path) -> dict[str, str]:
    paths = [path for path in sorted((folder / "configs").glob("*")) if path.suffix.lower() == ".json"]
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in paths}


def _object(text: str, file: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: no JSON ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file}: not a JSON object, but {type(content).__name__}")
    return content


def _facts(meta: dict[str, Any], config: dict[str, Any]) -> dict[str, str]:
    both = {**config, "_meta_": meta}
    classes = _at(meta, "network_data_format", "outputs", "pred", "channel_def")
    image = _at(meta, *IMAGE)
    asked = ("modality", "format", "num_channels", "spatial_shape", "value_range")
    accepted = {name: image[name] for name in asked if name in image} if isinstance(image, Mapping) else {}
    accepted |= {"slice_axis": _resolved(both, config.get("slice_axis") or _at(meta, "settings", "slice_axis"))}
    return {
        "name": _text(meta.get("name")),
        "version": _text(meta.get("version")),
        "task": _text(meta.get("task")),
        "classes": _text(list(classes.values()) if isinstance(classes, Mapping) else classes),
        "input": _text({name: value for name, value in accepted.items() if value is not None}),
        "preprocessing": _text(_steps(config.get("preprocessing"))),
        "budget": _text(_resolved(both, _at(config, "network_def", "sampler", "num_slices"))),
        "thumbnail size": _text(_resolved(both, _at(config, "network_def", "thumbnail_size"))),
        "intended use": _text(meta.get("intended_use")),
        "data source": _text(meta.get("data_source")),
        "metrics": _text(meta.get("eval_metrics")),
    }


def _at(content: Any, *keys: str) -> Any:
    """Return the entry of nested dictionaries and lists, None where there is none."""
    for key in keys:
        if isinstance(content, list) and key.isdigit() and int(key) < len(content):
            content = content[int(key)]
        else:
            content = content.get(key) if isinstance(content, Mapping) else None
    return content


def _resolved(both: dict[str, Any], value: Any) -> Any:
    """Follow plain references such as ``@num_slices``; expressions stay as they are written."""
    for _ in range(9):
        if not (isinstance(value, str) and value.startswith("@")):
            break
        value = _at(both, *value[1:].replace("::", "#").split("#"))
    return value


def _steps(preprocessing: Any) -> Any:
    steps = _at(preprocessing, "transforms")
    if not isinstance(steps, list):
        return preprocessing
    return [str(_at(each, "_target_") or each).rpartition(".")[2] for each in steps]


def _text(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return UNSAID
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _first_line(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    return next((line.strip() for line in lines if line.strip()), UNSAID)


def _weight_files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(path for path in place.glob("models/*") if path.is_file())


def _weights(file: Path) -> str:
    text = f"SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()}"
    if file.suffix != ".pt":
        return text
    try:
        state = torch.load(file, map_location="meta", weights_only=True)
        numbers = sum(each.numel() for each in state.values())
    except (pickle.UnpicklingError, EOFError, TypeError, AttributeError, RuntimeError):
        return f"{text}, not a state dict of tensors: predict refuses it"
    return f"{text}, {len(state)} tensors, {numbers} numbers"


def _unread(folder: Path) -> tuple[str, ...]:
    """Return files that MONAI or Python may execute, other than the JSON of ``configs/``."""
    suffixes = {".py", ".yaml", ".yml", ".conf", ".so", ".pkl", ".ts"}
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    found += sorted(path for path in folder.rglob("*.json") if path.parent != folder / "configs")
    return tuple(path.relative_to(folder).as_posix() for path in found)
