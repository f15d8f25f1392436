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

from monai_das.inference.bundle_files import bundle_files, torchscript_texts
from monai_das.inference.case_result import DASModelInfo
from monai_das.inference.steps import Step, flat_steps
from monai_das.networks import DASNetwork


@dataclass(frozen=True, eq=False)
class DASBundleModel:
    """The parts of a bundle that a predictor needs.

    Attributes:
        network: in ``eval()``, on its device; or its TorchScript, which has the same methods.
        preprocessing: the transforms of ``inference.json``, except the ones that load files.
        postprocessing: the transforms for ``{"pred": logits (num_classes,)}``.
        channels: number of channels that the network expects.
        classes: names in the order of class numbers.
        info: name, version, SHA-256 of the weights, and intended use.
    """

    network: DASNetwork
    preprocessing: tuple[Step, ...]
    postprocessing: tuple[Step, ...]
    channels: int
    classes: tuple[str, ...]
    info: DASModelInfo


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
            :class:`~monai_das.networks.DASNetwork`; the metadata lack the classes; the weights are not a state dict
            or do not fit the network.
    """
    config, metadata = (bundle_dir / "configs" / name for name in ("inference.json", "metadata.json"))
    for file in (config, metadata):
        if not file.is_file():
            raise FileNotFoundError(f"{bundle_dir} is not a bundle: it has no {file.relative_to(bundle_dir)}")
    parser = ConfigParser()
    parser.read_config(str(config))
    parser.read_meta(str(metadata))
    parser["bundle_root"] = str(bundle_dir)
    files = (str(config), str(metadata))
    formats = _formats(parser, files[1])
    network = _network(parser, files[0])
    weights = bundle_dir / "models" / "model.pt"
    digest = _load_weights(network, weights, files[0])
    return _described(network.to(device).eval(), parser, formats, (weights, digest), files[0])


def bundle_class_names(bundle: str | PathLike[str]) -> tuple[str, ...]:
    """Return the names of a bundle's classes in the order of class numbers, from its metadata; nothing is run.

    Args:
        bundle: a folder, a zip of one, or a TorchScript ``.ts``.

    Raises:
        FileNotFoundError: ``bundle`` or its metadata do not exist.
        ValueError: the metadata are not JSON, or name no classes.
    """
    with bundle_files(bundle) as place:
        if place.suffix == ".ts":
            file, text = f"{place}, metadata.json", torchscript_texts(place).get("metadata.json", "")
        else:
            path = place / "configs" / "metadata.json"
            file, text = str(path), path.read_text(encoding="utf-8")
        try:
            metadata = json.loads(text)
        except ValueError as error:
            raise ValueError(f"{file}: no JSON ({error}); give the metadata of a bundle") from error
        return _class_names(metadata, file)


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
    parser = ConfigParser(json.loads(extra["inference.json"]))
    parser.read_meta(json.loads(extra["metadata.json"]))
    parser["bundle_root"] = str(file.parent.parent)
    formats = _formats(parser, f"{file}, metadata.json")
    network = cast(DASNetwork, script.eval())
    return _described(network, parser, formats, (file, _sha256(content)), f"{file}, inference.json")


def _formats(parser: ConfigParser, file: str) -> tuple[int, tuple[str, ...]]:
    """Return the number of channels and the classes from the metadata, which errors call ``file``."""
    metadata = parser.get("_meta_")
    return _of_format(metadata, "inputs", "image", "num_channels", file), _class_names(metadata, file)


def _described(
    network: DASNetwork,
    parser: ConfigParser,
    formats: tuple[int, tuple[str, ...]],
    weights: tuple[Path, str],
    config: str,
) -> DASBundleModel:
    """Return ``network`` with the transforms of its config and the facts of its metadata.

    Args:
        network: in ``eval()``, on its device.
        parser: holds config and metadata.
        formats: what :func:`_formats` returned.
        weights: their file and its SHA-256.
        config: what errors call the config.
    """
    metadata = parser.get("_meta_")
    return DASBundleModel(
        network=network,
        preprocessing=flat_steps(_content(parser, "preprocessing", config)),
        postprocessing=flat_steps(_content(parser, "postprocessing", config)),
        channels=formats[0],
        classes=formats[1],
        info=DASModelInfo(
            name=str(metadata.get("name", weights[0].resolve().parents[1].name)),
            version=str(metadata.get("version", "unknown")),
            weights_sha256=weights[1],
            intended_use=str(metadata.get("intended_use", "")),
            config_sha256=_config_digest(parser),
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


def _class_names(metadata: Mapping[str, Any], file: str) -> tuple[str, ...]:
    channel_def = _of_format(metadata, "outputs", "pred", "channel_def", file)
    return tuple(str(channel_def[number]) for number in sorted(channel_def, key=int))


def _load_weights(network: DASNetwork, weights: Path, config: str) -> str:
    """Read the state dict ``weights`` once, load it into ``network`` of ``config``, and return its SHA-256."""
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: the bundle has no weights; train it, or copy model.pt there")
    content = weights.read_bytes()
    try:
        network.load_state_dict(torch.load(BytesIO(content), map_location="cpu", weights_only=True))
    except (pickle.UnpicklingError, EOFError, TypeError) as error:
        raise ValueError(f"{weights} is not a state dict of tensors: {error}") from error
    except RuntimeError as error:
        raise ValueError(f"{weights} does not fit network_def of {config}: {error}") from error
    return _sha256(content)


def _config_digest(parser: ConfigParser) -> str:
    """Return the SHA-256 of config and metadata, wherever the bundle lies."""
    content = {**parser.get(), "bundle_root": ""}
    return _sha256(json.dumps(content, sort_keys=True, default=str).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
