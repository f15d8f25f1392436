"""What a bundle says of itself, read without running it."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from monai_das.contract import Contract, terms_in, training_cases
from monai_das.contract.attribute_conditions import conditions_in_words
from monai_das.data.values import NAMES
from monai_das.inference.bundle_code import code_in_config
from monai_das.inference.bundle_files import bundle_files, json_object, torchscript_texts
from monai_das.inference.references import entry_at, resolved

UNSAID = "not stated"


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
        found = {name: text for name, text in texts.items() if name.lower().endswith(".json")}
        configs = {name: json_object(text, f"{place}, {name}") for name, text in found.items()}
        meta, config = configs.pop("metadata.json"), configs.get("inference.json", {})
        facts = _facts(meta, config)
        block = meta.get("contract")
        stated = block.get("license") if isinstance(block, Mapping) else None
        facts["licence"] = str(stated or meta.get("license") or _first_line(place / "LICENSE"))
        facts["licence of the data"] = str(meta.get("data_license") or _first_line(place / "docs" / "data_license.txt"))
        facts |= {f"weights {path.name}": _weights(path) for path in _weight_files(place)}
        # MONAI's parser evaluates the metadata as it does configs
        parsed = sorted({**configs, "metadata.json": meta}.items())
        return BundleSummary(
            facts=facts,
            code=tuple((name, *each) for name, content in parsed for each in code_in_config(content)),
            unread=("the code of the TorchScript itself",) if script else _unread(place),
        )


def _folder_texts(folder: Path) -> dict[str, str]:
    paths = [path for path in sorted((folder / "configs").glob("*")) if path.suffix.lower() == ".json"]
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in paths}


def _facts(meta: dict[str, Any], config: dict[str, Any]) -> dict[str, str]:
    both = {**config, "_meta_": meta}
    try:
        contract, problem = Contract.from_metadata(meta), ""
    except ValueError as error:
        contract, problem = None, str(error)
    return {
        "name": _text(meta.get("name")),
        "version": _text(meta.get("version")),
        "task": _text(meta.get("task")),
        **(_terms(contract) if contract is not None else {"contract": problem}),
        "preprocessing": _text(_steps(config.get("preprocessing"))),
        "budget": _budget(both, entry_at(config, "network_def", "sampler")),
        "intended use": _text(meta.get("intended_use")),
        "data source": _text(meta.get("data_source")),
        "metrics": _text(meta.get("eval_metrics")),
    }


def _terms(contract: Contract) -> dict[str, str]:
    """Return what ``contract`` accepts and means."""
    plain = contract.as_dict()
    codes = [
        f"{name} = {code['scheme']} {code['value']} {code['meaning']}" for name, code in plain["class_codes"].items()
    ]
    ranges = {name: "any" if plain[name] is None else "{} to {}".format(*plain[name]) for name in ("slices", "spacing")}
    return {
        "classes": _text(plain["classes"]),
        "codes of classes": _text(codes),
        "answer": "the most probable class"
        if contract.threshold is None
        else f"{contract.classes[1]} from a probability of {contract.threshold:g} on",
        "accepted modality": _text(plain["modality"] or "any"),
        "accepted body part": _text(plain["body_part"] or "any"),
        "accepted DICOM attributes": conditions_in_words(contract.dicom_attributes or {}) or "any",
        "accepted values": NAMES[contract.values] if contract.values else "any",
        "accepted channels": str(contract.channels),
        "accepted slices": ranges["slices"],
        "accepted spacing": "any" if contract.spacing is None else f"{ranges['spacing']} mm between slices",
        "slice axis": contract.slice_axis,
        "intensity": _text(plain["intensity"]),
        "thumbnail size": str(contract.thumbnail_size),
    }


def _budget(config: Mapping[str, Any], sampler: Any) -> str:
    """Return how many slices ``sampler`` keeps: a number, or the share in the metadata."""
    number, share = resolved(config, entry_at(sampler, "num_slices")), resolved(config, "@_meta_#settings#fraction")
    return f"{share:.4g} of the slices" if number is None and isinstance(share, float) else _text(number)


def _steps(preprocessing: Any) -> Any:
    steps = entry_at(preprocessing, "transforms")
    if not isinstance(steps, list):
        return preprocessing
    return [str(entry_at(each, "_target_") or each).rpartition(".")[2] for each in steps]


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
        state = torch.load(file, map_location="cpu", weights_only=True)
        cases = training_cases(terms_in(state))
        numbers = sum(each.numel() for each in state.values())
    except (pickle.UnpicklingError, EOFError, TypeError, AttributeError, RuntimeError):
        return f"{text}, not a state dict of tensors: predict refuses it"
    known = "no training cases described" if cases is None else f"{cases.cases} training cases described"
    return f"{text}, {len(state)} tensors, {numbers} numbers, {known}"


def _unread(folder: Path) -> tuple[str, ...]:
    """Return files that MONAI or Python may execute, other than the JSON of ``configs/``."""
    suffixes = {".py", ".yaml", ".yml", ".conf", ".so", ".pkl", ".ts"}
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    found += sorted(path for path in folder.rglob("*.json") if path.parent != folder / "configs")
    return tuple(path.relative_to(folder).as_posix() for path in found)
