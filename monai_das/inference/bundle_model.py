"""A bundle as a model, from its folder or from TorchScript: network, weights, transforms, and what metadata say."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, cast

import torch
from monai.bundle import ConfigParser

from monai_das.inference.case_result import DASModelInfo
from monai_das.inference.steps import Step, flat_steps
from monai_das.networks import DASNetwork


@dataclass(frozen=True, eq=False)
class DASBundleModel:
    """What the predictor needs of a bundle.

    Attributes:
        network: in ``eval()``, on its device; or the TorchScript of one, which has the same methods.
        preprocessing: the transforms of ``inference.json`` without those that load files.
        postprocessing: those applied to ``{"pred": logits (num_classes,)}``.
        channels: C that the network expects.
        classes: names in the order of class numbers.
        info: name, version, SHA-256 of the weights, and the metadata's intended use.
    """

    network: DASNetwork
    preprocessing: tuple[Step, ...]
    postprocessing: tuple[Step, ...]
    channels: int
    classes: tuple[str, ...]
    info: DASModelInfo


def load_bundle_model(bundle_dir: Path, device: torch.device, name: str | None = None) -> DASBundleModel:
    """Read ``configs/inference.json``, ``configs/metadata.json`` and ``models/model.pt`` of a bundle.

    A bundle may hold further models: ``name`` reads ``inference_NAME.json`` on top of ``inference.json``, and
    ``metadata_NAME.json`` and ``models/NAME.pt`` in place of the others.

    Weights are loaded with ``weights_only=True``; nothing in them is executed.

    Raises:
        FileNotFoundError: ``bundle_dir`` is no bundle, or has no weights, or no model ``name``.
        ValueError: the config has no ``network_def`` or no transforms, or builds something else than a
            :class:`~monai_das.networks.DASNetwork`; the metadata lack the classes; the weights are no state dict or
            do not fit the network.
    """
    configs = bundle_dir / "configs"
    files, metadata = [configs / "inference.json"], configs / "metadata.json"
    for file in (*files, metadata):
        if not file.is_file():
            raise FileNotFoundError(f"{bundle_dir} is not a bundle: it has no {file.relative_to(bundle_dir)}")
    if name is not None:
        files, metadata = [*files, configs / f"inference_{name}.json"], configs / f"metadata_{name}.json"
        if not files[-1].is_file() or not metadata.is_file():
            there = sorted(file.stem.removeprefix("inference_") for file in configs.glob("inference_*.json"))
            raise FileNotFoundError(
                f"{bundle_dir} has no model {name!r}; it has {', '.join(there) or 'only its own, without a name'}"
            )
    parser = ConfigParser()
    parser.read_config([str(file) for file in files])
    parser.read_meta(str(metadata))
    parser["bundle_root"] = str(bundle_dir)
    names = (str(files[-1]), str(metadata))
    network = _network(parser, names[0])
    weights = bundle_dir / "models" / f"{name or 'model'}.pt"
    content = _loaded(weights, network, names[0])
    return _described(network.to(device).eval(), parser, (weights, content), names)


def load_torchscript_model(path: str | PathLike[str], device: torch.device) -> DASBundleModel:
    """Read a ``model.ts`` with its config and metadata, as ``python -m monai.bundle ckpt_export`` writes it.

    ``thumbnails``, ``score`` and ``classify`` are those of the TorchScript. The SHA-256 is that of the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no TorchScript, has no ``score`` and ``classify`` (as after ``--use_trace``), or was exported
            without ``--meta_file`` and ``--config_file configs/inference.json``; or see :func:`load_bundle_model`.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file; give a model.ts that monai.bundle ckpt_export wrote")
    extra = {"inference.json": "", "metadata.json": ""}
    content = file.read_bytes()
    try:
        script = torch.jit.load(io.BytesIO(content), map_location=device, _extra_files=extra)  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise ValueError(f"{file} is no TorchScript: {str(error).splitlines()[0]}") from error
    if not all(hasattr(script, name) for name in ("thumbnails", "score", "classify", "thumbnail_size")):
        raise ValueError(f"{file} has no score and classify; export a monai_das network, without --use_trace")
    for name, text in extra.items():
        if not text:
            raise ValueError(f"{file} holds no {name}; export it with --meta_file and --config_file")
    parser = ConfigParser(json.loads(extra["inference.json"]))
    parser.read_meta(json.loads(extra["metadata.json"]))
    parser["bundle_root"] = str(file.parent.parent)
    names = (f"{file}, inference.json", f"{file}, metadata.json")
    return _described(cast(DASNetwork, script.eval()), parser, (file, content), names)


def _described(
    network: DASNetwork, parser: ConfigParser, weights: tuple[Path, bytes], names: tuple[str, str]
) -> DASBundleModel:
    """Return ``network`` with what config and metadata, called ``names`` in errors, say about it.

    ``weights`` are the file of the weights and what it holds.
    """
    metadata = parser.get("_meta_")
    file, content = weights
    return DASBundleModel(
        network=network,
        preprocessing=flat_steps(_content(parser, "preprocessing", names[0])),
        postprocessing=flat_steps(_content(parser, "postprocessing", names[0])),
        channels=_of_format(metadata, "inputs", "image", "num_channels", names[1]),
        classes=_classes(_of_format(metadata, "outputs", "pred", "channel_def", names[1])),
        info=DASModelInfo(
            name=str(metadata.get("name", file.resolve().parents[1].name)),
            version=str(metadata.get("version", "unknown")),
            weights_sha256=hashlib.sha256(content).hexdigest(),
            intended_use=str(metadata.get("intended_use", "")),
        ),
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


def _of_format(metadata: Mapping[str, Any], side: str, name: str, key: str, file: str) -> Any:
    """Return an entry of the metadata's ``network_data_format``."""
    try:
        return metadata["network_data_format"][side][name][key]
    except KeyError as error:
        raise ValueError(f"{file} has no network_data_format, {side}, {name}, {key}; see the MONAI schema") from error


def _classes(channel_def: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(str(channel_def[number]) for number in sorted(channel_def, key=int))


def _loaded(weights: Path, network: DASNetwork, file: str) -> bytes:
    """Load the state dict in ``weights`` into ``network``, which the config ``file`` builds; return what was read."""
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: the bundle has no weights; train it, or copy model.pt there")
    content = weights.read_bytes()
    try:
        network.load_state_dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    except (pickle.UnpicklingError, EOFError, TypeError) as error:
        raise ValueError(f"{weights} is not a state dict of tensors: {error}") from error
    except RuntimeError as error:
        raise ValueError(f"{weights} does not fit network_def of {file}: {error}") from error
    return content
