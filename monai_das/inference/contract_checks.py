"""Do the configs and weights of a bundle agree with the contract in its metadata? Nothing is executed."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from monai_das.contract import Contract, check_weights, terms_in, training_cases
from monai_das.contract.weights import SIZE_KEY
from monai_das.inference.bundle_files import bundle_files, bundle_metadata, bundle_text, json_object
from monai_das.inference.checks import Check
from monai_das.inference.references import entry_at, resolved

CONFIGS = ("inference.json", "train.json")
# the fact of the contract in an argument of a transform
ARGUMENTS = {
    "SliceAxisd": {"axis": "slice_axis"},
    "DASScaleIntensityd": {"size": "thumbnail_size", "intensity": "intensity"},
}


def check_contract(bundle: Path) -> list[Check]:
    """Return whether the metadata of ``bundle`` state a contract, and whether configs and weights agree with it."""
    try:
        with bundle_files(bundle) as place:
            if place.suffix == ".ts":
                Contract.from_metadata(bundle_metadata(place)[0])
                return [Check("contract", "stated; predict compares the weights when it loads them")]
            return list(_folder_checks(place))
    except (OSError, ValueError) as error:
        return [Check("contract", str(error), "missing")]


def _folder_checks(folder: Path) -> Iterator[Check]:
    metadata, _ = bundle_metadata(folder)
    contract = Contract.from_metadata(metadata)
    yield Check("contract", "stated in metadata.json")
    for name in CONFIGS:
        text = bundle_text(folder, name)
        if text is not None:
            config = {**json_object(text, name), "_meta_": metadata}
            found = sorted(set(config_differences(contract, config)))
            yield from (Check(f"contract, {name}", text, "missing") for text in found)
            if not found:
                yield Check(f"contract, {name}", "agrees")
    weights = folder / "models" / "model.pt"
    if weights.is_file():
        yield from _weight_checks(contract, weights)


def _weight_checks(contract: Contract, weights: Path) -> Iterator[Check]:
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        terms = terms_in(state)
        notes = check_weights(contract, terms, int(state.get(SIZE_KEY, contract.thumbnail_size)))
    except (ValueError, pickle.UnpicklingError, EOFError, TypeError, AttributeError, RuntimeError) as error:
        yield Check("contract, model.pt", str(error), "missing")
        return
    yield from (Check("contract, model.pt", note, "note") for note in notes)
    cases = training_cases(terms)
    if cases is None:
        yield Check(
            "contract, model.pt",
            "agrees; no training cases are described, or by an earlier version: none is unlike them",
            "note",
        )
    else:
        yield Check("contract, model.pt", f"agrees; {cases.cases} training cases, limit {cases.limit:.2f}")


def config_differences(contract: Contract, config: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a ``config``, with its metadata under ``_meta_``, says other than ``contract``.

    References are followed; what an expression gives is not known, and not compared.
    """
    plain = contract.as_dict()
    if "network_def" in config and entry_at(config, "network_def", "contract") is None:
        yield 'network_def has no contract, so its weights would hold none; give it "contract": "@contract"'
    for place, value in _stated(config):
        given = resolved(config, value)
        name = place.rpartition(" ")[2]
        if not _is_expression(given) and given != plain[name]:
            yield f"{place} is {json.dumps(given)}, the metadata say {json.dumps(plain[name])}"


def _stated(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield where a config states a fact of the contract, with its name last, and the value."""
    size = entry_at(config, "network_def", "thumbnail_size")
    if size is not None:
        yield "network_def: thumbnail_size", size
    for node in _nodes({name: value for name, value in config.items() if name != "_meta_"}):
        kind = str(node.get("_target_", "")).rpartition(".")[2]
        for argument, name in ARGUMENTS.get(kind, {}).items():
            if argument in node:
                yield f"{kind}: {name}", node[argument]


def _nodes(content: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(content, Mapping):
        yield content
    parts = content.values() if isinstance(content, Mapping) else content if isinstance(content, list) else ()
    for part in parts:
        yield from _nodes(part)


def _is_expression(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.startswith(("$", "@", "%")))
