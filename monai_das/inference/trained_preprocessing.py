"""Preprocessing of the bundle that a training leaves: what its config does to an image before it augments it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai.bundle import ConfigParser

from monai_das.transforms.slice_axis import PLANES

STEPS = "train#deterministic_transforms"
# from a file to slices last; items of a training may be that already
LOADING = ("LoadImaged", "EnsureChannelFirstd", "SliceAxisd", "SliceAxis")
# steps that do nothing to the image itself, or to images of the training alone
BESIDE = ("CopyItemsd", "SliceVerdictsd", "DASTakeSlicesd")


def inference_steps(inference: Mapping[str, Any], train: Mapping[str, Any]) -> list[Any]:
    """Return the steps from a file to what the network takes.

    They are the deterministic transforms of the training, as far as they concern the image. If these do not load files,
    the loading steps of ``inference`` come first.
    """
    steps = [_of_image(step) for step in _steps(train) if _concerns_image(step)]
    if any("LoadImage" in _name(step) for step in steps):
        return steps
    before = inference.get("preprocessing", {}).get("transforms", [])
    return [step for step in before if _name(step) in LOADING] + steps


def told_plane(parser: ConfigParser, train: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"slice_axis": ...}`` if the steps of the training say it."""
    for number, step in enumerate(_steps(train)):
        if _name(step) == "SliceAxisd" and "axis" in step:
            axis = parser.get_parsed_content(f"{STEPS}#{number}#axis")
            return {"slice_axis": axis} if axis in PLANES else {}
    return {}


def told_intensity(parser: ConfigParser, train: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"intensity": ...}``, as a contract states it, of the first step that scales intensities."""
    for number, step in enumerate(_steps(train)):
        if _name(step).startswith(("DASScaleIntensity", "ScaleIntensity")):
            values = {name: parser.get_parsed_content(f"{STEPS}#{number}#{name}") for name in step if name[0] != "_"}
            return {"intensity": _intensity(_name(step), values)}
    return {"intensity": {"scale": "none"}}


def _intensity(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    if values.get("intensity") is not None:
        return dict(values["intensity"])
    if values.get("percentiles") is not None:
        return {"scale": "percentiles", "low": values["percentiles"][0], "high": values["percentiles"][1]}
    if name == "ScaleIntensityRanged":
        return {"scale": "window", "low": values["a_min"], "high": values["a_max"]}
    if name == "ScaleIntensityRangePercentilesd":
        return {"scale": "percentiles", "low": values["lower"], "high": values["upper"]}
    return {"scale": "range"}


def _steps(train: Mapping[str, Any]) -> list[Any]:
    steps = train.get("train", {}).get("deterministic_transforms", [])
    return steps if isinstance(steps, list) else []


def _name(step: Any) -> str:
    return str(step.get("_target_", "") if isinstance(step, Mapping) else step).rpartition(".")[2]


def _concerns_image(step: Any) -> bool:
    keys = step.get("keys", "image") if isinstance(step, Mapping) else ()
    return _name(step) not in BESIDE and "image" in ([keys] if isinstance(keys, str) else keys)


def _of_image(step: Mapping[str, Any]) -> dict[str, Any]:
    return {**step, "keys": "image"}
