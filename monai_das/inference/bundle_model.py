"""Load a bundle from a folder, a zip or TorchScript: network, weights, transforms, and the facts in its metadata."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any, cast

import torch
from monai.bundle import ConfigParser
from torch import Tensor

from monai_das.contract import (
    Contract,
    TrainingCases,
    check_steps,
    check_weights,
    class_names,
    terms_in,
    training_cases,
)
from monai_das.contract.weights import SIZE_KEY
from monai_das.data import Finding
from monai_das.inference.bundle_files import bundle_files, bundle_metadata
from monai_das.inference.case_result import DASModelInfo
from monai_das.inference.steps import Step, flat_steps
from monai_das.networks import DASNetwork
from monai_das.networks.held_terms import decoded_terms


@dataclass(frozen=True, eq=False)
class DASBundleModel:
    """The parts of a bundle that a predictor needs.

    Attributes:
        network: in ``eval()``, on its device; or its TorchScript, which has the same methods.
        preprocessing: the transforms of ``inference.json``, except the ones that load files.
        postprocessing: the transforms for ``{"pred": logits (num_classes,)}``.
        contract: what the bundle accepts and means.
        training: its training cases; None where the weights do not describe them.
        warnings: where the weights hold other facts than the metadata, of those that change no numbers.
        info: name, version, SHA-256 of the weights, and intended use.
        config: ``inference.json`` and the metadata, as MONAI's ``ConfigParser`` reads them.
    """

    network: DASNetwork
    preprocessing: tuple[Step, ...]
    postprocessing: tuple[Step, ...]
    contract: Contract
    training: TrainingCases | None
    warnings: tuple[str, ...]
    info: DASModelInfo
    config: Mapping[str, Any]

    def probabilities(self, logits: Tensor) -> list[float]:
        """Return the probabilities of ``logits`` ``(num_classes,)`` through the bundle's postprocessing.

        Raises:
            ValueError: it gives no probabilities.
        """
        data: Any = {"pred": logits}
        for transform in self.postprocessing:
            data = transform(data)
        values = [float(value) for value in torch.as_tensor(data["pred"]).double().flatten()]
        classes = self.contract.classes
        if len(values) != len(classes) or not abs(sum(values) - 1.0) < 1e-3:
            words = (
                f"postprocessing must give {len(classes)} probabilities, one for each of {', '.join(classes)}, got "
                f"{values}; end it with Activationsd(softmax=True)"
            )
            raise ValueError(Finding(words))
        return values


def open_bundle(bundle: str | PathLike[str], device: torch.device) -> DASBundleModel:
    """Load ``bundle``: a folder, a zip of one, or a TorchScript ``.ts``.

    Raises:
        FileNotFoundError, ValueError: it is none of the three, or damaged; or see :func:`load_bundle_model` and
            :func:`load_torchscript_model`.
    """
    with bundle_files(bundle) as place:
        return load_torchscript_model(place, device) if place.suffix == ".ts" else load_bundle_model(place, device)


def load_bundle_model(bundle_dir: Path, device: torch.device) -> DASBundleModel:
    """Read ``configs/inference.json``, ``configs/metadata.json`` and ``models/model.pt`` of a bundle.

    ``weights_only=True`` loads the weights: nothing in them is executed.

    Raises:
        FileNotFoundError: ``bundle_dir`` is not a bundle, or has no weights.
        ValueError: the config has no transforms or no ``network_def``, or ``network_def`` is not a
            :class:`~monai_das.networks.DASNetwork`; the metadata state no contract; the preprocessing or the weights
            have another value than the contract; the weights are not a state dict or do not fit the network.
    """
    config, metadata = (bundle_dir / "configs" / name for name in ("inference.json", "metadata.json"))
    for file in (config, metadata):
        if not file.is_file():
            raise FileNotFoundError(f"{bundle_dir} is not a bundle: it has no {file.relative_to(bundle_dir)}")
    parser = ConfigParser()
    parser.read_config(str(config))
    parser.read_meta(str(metadata))
    parser["bundle_root"] = str(bundle_dir)
    contract = Contract.from_metadata(*bundle_metadata(bundle_dir))
    network = _network(parser, str(config))
    weights = bundle_dir / "models" / "model.pt"
    digest, held = _load_weights(network, contract, weights, str(config))
    return _described(network.to(device).eval(), parser, (contract, *held), (weights, digest), str(config))


def bundle_class_names(bundle: str | PathLike[str]) -> tuple[str, ...]:
    """Return the names of a bundle's classes in the order of class numbers, from its metadata; nothing is run.

    Args:
        bundle: a folder, a zip of one, or a TorchScript ``.ts``.

    Raises:
        FileNotFoundError: ``bundle`` or its metadata do not exist.
        ValueError: the metadata are not JSON, or name no classes.
    """
    with bundle_files(bundle) as place:
        return class_names(*bundle_metadata(place))


def bundle_contract(bundle: str | PathLike[str]) -> Contract:
    """Return the contract that a bundle's metadata state, as :func:`bundle_class_names` reads them."""
    with bundle_files(bundle) as place:
        return Contract.from_metadata(*bundle_metadata(place))


def load_torchscript_model(path: str | PathLike[str], device: torch.device) -> DASBundleModel:
    """Read a ``model.ts`` with its config and metadata, as ``python -m monai.bundle ckpt_export`` writes it.

    The network is the TorchScript itself. The SHA-256 is the one of the file.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is not TorchScript; it lacks ``score`` and ``classify`` because it was exported with
            ``--use_trace``; it was exported without ``--meta_file`` and ``--config_file configs/inference.json``; or
            see :func:`load_bundle_model`.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file; give a model.ts that monai.bundle ckpt_export wrote")
    extra = {"inference.json": "", "metadata.json": ""}
    content = file.read_bytes()
    try:
        script = torch.jit.load(BytesIO(content), map_location=device, _extra_files=extra)  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise ValueError(f"{file} is no TorchScript: {str(error).splitlines()[0]}") from error
    if not all(hasattr(script, name) for name in ("thumbnails", "score", "classify", "thumbnail_size")):
        raise ValueError(f"{file} has no score and classify; export a monai_das network, without --use_trace")
    for name, text in extra.items():
        if not text:
            raise ValueError(f"{file} holds no {name}; export it with --meta_file and --config_file")
    metadata = json.loads(extra["metadata.json"])
    parser = ConfigParser(json.loads(extra["inference.json"]))
    parser.read_meta(metadata)
    parser["bundle_root"] = str(file.parent.parent)
    contract = Contract.from_metadata(metadata, f"{file}, metadata.json")
    network = cast(DASNetwork, script.eval())
    stored = network.contract.text if hasattr(network, "contract") else None
    held = _held_terms(contract, decoded_terms(cast("torch.Tensor | None", stored)), int(network.thumbnail_size), file)
    return _described(network, parser, (contract, *held), (file, _sha256(content)), f"{file}, inference.json")


def _held_terms(
    contract: Contract, terms: Mapping[str, Any], size: int, weights: Path
) -> tuple[TrainingCases | None, tuple[str, ...]]:
    """Return the training cases that ``terms`` of the file ``weights`` describe, and in what they contradict."""
    try:
        return training_cases(terms), check_weights(contract, terms, size)
    except ValueError as error:
        raise ValueError(f"{weights} does not fit the metadata: {error}") from error


def _described(
    network: DASNetwork,
    parser: ConfigParser,
    terms: tuple[Contract, TrainingCases | None, tuple[str, ...]],
    weights: tuple[Path, str],
    config: str,
) -> DASBundleModel:
    """Return ``network`` with the transforms of its config and the facts of its metadata.

    Args:
        network: in ``eval()``, on its device.
        parser: holds config and metadata.
        terms: contract, training cases, and in what the weights contradict the contract.
        weights: their file and its SHA-256.
        config: what errors call the config.
    """
    contract, training, warnings = terms
    steps = flat_steps(_content(parser, "preprocessing", config))
    try:
        check_steps(contract, steps)
    except ValueError as error:
        raise ValueError(f"{config} does not fit the metadata: {error}") from error
    return DASBundleModel(
        network=network,
        preprocessing=steps,
        postprocessing=flat_steps(_content(parser, "postprocessing", config)),
        contract=contract,
        training=training,
        warnings=warnings,
        info=DASModelInfo(
            name=str(parser.get("_meta_").get("name", weights[0].resolve().parents[1].name)),
            version=contract.version or "unknown",
            weights_sha256=weights[1],
            intended_use=contract.intended_use,
            config_sha256=_config_digest(parser),
            class_codes=contract.class_codes,
            threshold=contract.threshold,
            modality=contract.made_for[0],
            body_part=contract.made_for[1],
        ),
        config=parser.get(),
    )


def _network(parser: ConfigParser, file: str) -> DASNetwork:
    network = _content(parser, "network_def", file)
    if not isinstance(network, DASNetwork):
        raise ValueError(
            f"{file}: network_def must be a monai_das network with score and classify, got {type(network).__name__}"
        )
    return network


def _content(parser: ConfigParser, name: str, file: str) -> Any:
    """Return the instance of the config's item ``name``."""
    if name not in parser:
        raise ValueError(f"{file} has no {name}; the command line needs network_def, preprocessing, postprocessing")
    return parser.get_parsed_content(name)


def _load_weights(
    network: DASNetwork, contract: Contract, weights: Path, config: str
) -> tuple[str, tuple[TrainingCases | None, tuple[str, ...]]]:
    """Read the state dict ``weights`` once and load it into ``network`` of ``config``.

    Returns its SHA-256 and what :func:`_held_terms` returns.
    """
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: the bundle has no weights; train it, or copy model.pt there")
    content = weights.read_bytes()
    try:
        state = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
        if not all(isinstance(each, torch.Tensor) for each in state.values()):
            raise TypeError("it holds other things too; save network.state_dict() alone")
        held = _held_terms(contract, terms_in(state), int(state.get(SIZE_KEY, contract.thumbnail_size)), weights)
        network.load_state_dict(state)
    except (pickle.UnpicklingError, EOFError, TypeError, AttributeError) as error:
        raise ValueError(f"{weights} is not a state dict of tensors: {error}") from error
    except RuntimeError as error:
        raise ValueError(f"{weights} does not fit network_def of {config}: {error}") from error
    return _sha256(content), held


def _config_digest(parser: ConfigParser) -> str:
    """Return the SHA-256 of config and metadata, wherever the bundle lies."""
    content = {**parser.get(), "bundle_root": ""}
    return _sha256(json.dumps(content, sort_keys=True, default=str).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
