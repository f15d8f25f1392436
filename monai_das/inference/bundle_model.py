"""A bundle folder as a model: its network with the weights, its transforms, and what its metadata say."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose

from monai_das.inference.case_result import DASModelInfo
from monai_das.networks import DASNetwork

Step = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class DASBundleModel:
    """What the predictor needs of a bundle.

    Attributes:
        network: in ``eval()``, on its device.
        preprocessing: the transforms of ``inference.json`` without those that load files.
        postprocessing: those applied to ``{"pred": logits (num_classes,)}``.
        channels: C that the network expects.
        classes: names in the order of class numbers.
        info: name, version, and SHA-256 of the weights.
    """

    network: DASNetwork
    preprocessing: tuple[Step, ...]
    postprocessing: tuple[Step, ...]
    channels: int
    classes: tuple[str, ...]
    info: DASModelInfo


def load_bundle_model(bundle_dir: Path, device: torch.device) -> DASBundleModel:
    """Read ``configs/inference.json``, ``configs/metadata.json`` and ``models/model.pt`` of a bundle.

    Weights are loaded with ``weights_only=True``; nothing in them is executed.

    Raises:
        FileNotFoundError: ``bundle_dir`` is no bundle, or has no weights.
        ValueError: the config has no ``network_def`` or no transforms, or builds something else than a
            :class:`~monai_das.networks.DASNetwork`; the metadata lack the classes; the weights are no state dict or
            do not fit the network.
    """
    files = [bundle_dir / "configs" / name for name in ("inference.json", "metadata.json")]
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(f"{bundle_dir} is not a bundle: it has no {file.relative_to(bundle_dir)}")
    parser = ConfigParser()
    parser.read_config(str(files[0]))
    parser.read_meta(str(files[1]))
    parser["bundle_root"] = str(bundle_dir)
    network = _network(parser, files[0])
    weights = bundle_dir / "models" / "model.pt"
    network.load_state_dict(_checked(weights, network))
    metadata = parser.get("_meta_")
    return DASBundleModel(
        network=network.to(device).eval(),
        preprocessing=tuple(step for step in _steps(parser, "preprocessing", files[0]) if not _loads(step)),
        postprocessing=_steps(parser, "postprocessing", files[0]),
        channels=_of_format(metadata, "inputs", "image", "num_channels", files[1]),
        classes=_classes(_of_format(metadata, "outputs", "pred", "channel_def", files[1])),
        info=DASModelInfo(
            name=str(metadata.get("name", bundle_dir.resolve().name)),
            version=str(metadata.get("version", "unknown")),
            weights_sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        ),
    )


def _network(parser: ConfigParser, file: Path) -> DASNetwork:
    network = _content(parser, "network_def", file)
    if not isinstance(network, DASNetwork):
        raise ValueError(
            f"{file}: network_def must be a monai_das network with score and classify, got {type(network).__name__}"
        )
    return network


def _content(parser: ConfigParser, name: str, file: Path) -> Any:
    """Return the instance of the config's item ``name``."""
    if name not in parser:
        raise ValueError(f"{file} has no {name}; the command line needs network_def, preprocessing, postprocessing")
    return parser.get_parsed_content(name)


def _steps(parser: ConfigParser, name: str, file: Path) -> tuple[Step, ...]:
    """Return the transforms of the ``Compose`` called ``name``, or the one transform."""
    content = _content(parser, name, file)
    flat: Any = Compose([content]).flatten()  # type: ignore[no-untyped-call]
    return tuple(flat.transforms)


def _loads(step: Step) -> bool:
    """Say whether ``step`` reads a file, by the same mark as MONAI Deploy."""
    return "LoadImage" in type(step).__name__


def _of_format(metadata: Mapping[str, Any], side: str, name: str, key: str, file: Path) -> Any:
    """Return an entry of the metadata's ``network_data_format``."""
    try:
        return metadata["network_data_format"][side][name][key]
    except KeyError as error:
        raise ValueError(f"{file} has no network_data_format, {side}, {name}, {key}; see the MONAI schema") from error


def _classes(channel_def: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(str(channel_def[number]) for number in sorted(channel_def, key=int))


def _checked(weights: Path, network: DASNetwork) -> dict[str, Any]:
    """Return the state dict in ``weights``, known to fit ``network``."""
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: the bundle has no weights; train it, or copy model.pt there")
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        network.load_state_dict(state)
    except (pickle.UnpicklingError, EOFError, TypeError) as error:
        raise ValueError(f"{weights} is not a state dict of tensors: {error}") from error
    except RuntimeError as error:
        raise ValueError(f"{weights} does not fit network_def of configs/inference.json: {error}") from error
    loaded: dict[str, Any] = state
    return loaded
