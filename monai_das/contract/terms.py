"""The terms of a bundle, read from its ``metadata.json``, where each stands once."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monai_das.contract.attribute_conditions import Conditions, conditions_problem
from monai_das.transforms.intensity import SCALES

KINDS = ("mask", "hu", "grey8", "magnitude")
AXES = ("acquired", "axial", "coronal", "sagittal")
# where the facts stand in the metadata, beside the block `contract`
IMAGE = ("network_data_format", "inputs", "image")
NAMES = ("network_data_format", "outputs", "pred", "channel_def")


@dataclass(frozen=True)
class Contract:
    """What a bundle accepts and means. Fields without a value restrict nothing.

    Attributes:
        classes: names in the order of class numbers.
        channels: of the network's input.
        thumbnail_size: side of the thumbnails that the sampler sees, in pixels.
        slice_axis: ``"axial"``, ``"coronal"``, ``"sagittal"`` or ``"acquired"``, as
            :class:`~monai_das.transforms.SliceAxisd` takes it.
        intensity: how intensities are scaled, as :class:`~monai_das.transforms.DASScaleIntensityd` takes it.
        modality: DICOM codes of Modality that are accepted.
        body_part: values of BodyPartExamined that are accepted, where a file states one.
        dicom_attributes: conditions on DICOM attributes by their keyword, where a file states them: of numbers
            ``at_least``, ``at_most`` or both, of texts ``contains`` with the values of which it must have one.
        values: kind of values before scaling: ``"mask"`` (two values), ``"hu"`` (Hounsfield units), ``"grey8"``
            (0 to 255) or ``"magnitude"`` (0 and above).
        slices: fewest and most slices.
        spacing: smallest and largest distance between neighbouring slices in mm, where a file states it.
        num_slices: the default budget k; None for a budget of another kind.
        threshold: for two classes, the second is the answer from this probability on; None: the most probable is.
        class_codes: standard codes by class name, each with ``value``, ``scheme`` and ``meaning``.
        intended_use, license, version: text.

    Example:
        >>> image = {"num_channels": 1, "spatial_shape": [64, 64, "*"]}
        >>> formats = {"inputs": {"image": image}, "outputs": {"pred": {"channel_def": {"0": "no", "1": "yes"}}}}
        >>> terms = Contract.from_metadata({"network_data_format": formats, "contract": {"values": "mask"}})
        >>> terms.classes, terms.thumbnail_size, terms.values
        (('no', 'yes'), 64, 'mask')
    """

    classes: tuple[str, ...]
    channels: int = 1
    thumbnail_size: int = 64
    slice_axis: str = "axial"
    intensity: Mapping[str, Any] = field(default_factory=lambda: {"scale": "range"})
    modality: tuple[str, ...] | None = None
    body_part: tuple[str, ...] | None = None
    dicom_attributes: Conditions | None = None
    values: str | None = None
    slices: tuple[int, int] | None = None
    spacing: tuple[float, float] | None = None
    num_slices: int | None = None
    threshold: float | None = None
    class_codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    intended_use: str = ""
    license: str = ""
    version: str = ""

    @property
    def made_for(self) -> tuple[str, str]:
        """Modality and body part of the images, each empty where it is left open; Hounsfield units are of CT."""
        modalities = ("CT",) if self.values == "hu" else self.modality or ()
        return modalities[0] if len(modalities) == 1 else "", (self.body_part or ("",))[0]

    def __post_init__(self) -> None:
        for name, check in CHECKS.items():
            problem = check(getattr(self, name), self)
            if problem:
                raise ValueError(f"{name} must be {problem}, got {getattr(self, name)!r}")

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], file: str = "metadata.json", **changed: Any) -> Contract:
        """Return the contract that ``metadata`` state.

        Args:
            metadata: content of a bundle's ``metadata.json``.
            file: what errors call it.
            changed: fields that take another value than in the metadata, such as those of a resolved config.

        Raises:
            ValueError: ``metadata`` lack the block ``contract``, classes, channels or the size of thumbnails; a field
                is unknown or has no possible value.
        """
        channels, shape = (stated(metadata, (*IMAGE, name), file) for name in ("num_channels", "spatial_shape"))
        names = class_names(metadata, file)
        block = metadata.get("contract")
        if not isinstance(block, Mapping):
            raise ValueError(f"{file} has no contract; state one, see docs/contract.md")
        unknown = sorted(set(block) - set(OF_BLOCK))
        if unknown:
            near = difflib.get_close_matches(unknown[0], OF_BLOCK, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(OF_BLOCK)}"
            raise ValueError(f"{file}, contract: there is no field {unknown[0]}; {hint}")
        settings = metadata.get("settings")
        settings = settings if isinstance(settings, Mapping) else {}
        fields: dict[str, Any] = {
            "classes": names,
            "channels": channels,
            "thumbnail_size": shape[0],
            **{name: settings[name] for name in ("slice_axis", "num_slices") if name in settings},
            **{name: metadata[name] for name in ("intended_use", "version") if name in metadata},
            **block,
            **changed,
        }
        try:
            return cls(**{name: _frozen(value) for name, value in fields.items()})
        except ValueError as error:
            raise ValueError(f"{file}, contract: {error}") from error

    def into_metadata(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy of ``metadata`` that states this contract, each field in its place."""
        copy: dict[str, Any] = json.loads(json.dumps(metadata))
        formats = copy.setdefault("network_data_format", {})
        image = formats.setdefault("inputs", {}).setdefault("image", {})
        image["num_channels"] = self.channels
        image["spatial_shape"] = [self.thumbnail_size] * 2 + list(image.get("spatial_shape", ["*"]))[-1:]
        pred = formats.setdefault("outputs", {}).setdefault("pred", {})
        pred["num_channels"] = len(self.classes)
        pred["channel_def"] = {str(number): name for number, name in enumerate(self.classes)}
        plain = self.as_dict()
        copy.setdefault("settings", {}).update(slice_axis=self.slice_axis, num_slices=self.num_slices)
        copy.update({name: plain[name] for name in ("intended_use", "version") if plain[name]})
        copy["contract"] = {name: plain[name] for name in OF_BLOCK}
        return copy

    def as_dict(self) -> dict[str, Any]:
        """Return all fields in types that JSON can hold."""
        content: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return content


def class_names(metadata: Mapping[str, Any], file: str = "metadata.json") -> tuple[str, ...]:
    """Return the names of the classes in the order of class numbers; raise ``ValueError`` where there are none."""
    channel_def = stated(metadata, NAMES, file)
    return tuple(str(channel_def[number]) for number in sorted(channel_def, key=int))


def stated(metadata: Mapping[str, Any], keys: tuple[str, ...], file: str) -> Any:
    """Return an entry of nested dictionaries, or raise ``ValueError`` that names it."""
    found: Any = metadata
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            raise ValueError(f"{file} has no {', '.join(keys)}; see the MONAI schema")
        found = found[key]
    return found


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _one_of(*known: str | None) -> Callable[[Any, Contract], str]:
    words = ", ".join("null" if each is None else each for each in known)
    return lambda value, _: "" if value in known else f"one of {words}"


def _pair(kind: type, low: float) -> Callable[[Any, Contract], str]:
    noun = "whole numbers" if kind is int else "numbers"

    def check(value: Any, _: Contract) -> str:
        right = value is None or (
            isinstance(value, tuple)
            and len(value) == 2
            and all(_is_number(each, kind) for each in value)
            and low <= value[0] <= value[1]
        )
        return "" if right else f"null, or two ascending {noun} from {low:g}"

    return check


def _is_number(value: Any, kind: type = float) -> bool:
    kinds = (int,) if kind is int else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)


def _texts(value: Any, _: Contract) -> str:
    right = value is None or (isinstance(value, tuple) and value and all(isinstance(each, str) for each in value))
    return "" if right else "null, or a list of texts"


def _classes(value: Any, _: Contract) -> str:
    right = len(value) > 1 and len(set(value)) == len(value) and all(isinstance(name, str) and name for name in value)
    return "" if right else "at least two different names"


def _intensity(value: Any, _: Contract) -> str:
    if not isinstance(value, Mapping) or value.get("scale") not in SCALES:
        return f"an object with a scale of {', '.join(SCALES)}"
    needed = ("low", "high") if value["scale"] in ("window", "percentiles") else ()
    ascending = not needed or (all(_is_number(value.get(name)) for name in needed) and value["low"] < value["high"])
    right = set(value) == {"scale", *needed} and ascending
    return "" if right else f"a scale with {' < '.join(needed) or 'nothing else'}"


def _whole(least: int, *, optional: bool = False) -> Callable[[Any, Contract], str]:
    def check(value: Any, _: Contract) -> str:
        right = (optional and value is None) or (_is_number(value, int) and value >= least)
        return "" if right else f"a whole number from {least}"

    return check


def _threshold(value: Any, contract: Contract) -> str:
    right = value is None or (_is_number(value) and 0 < value < 1 and len(contract.classes) == 2)
    return "" if right else "null, or for two classes a number between 0 and 1"


def _codes(value: Any, contract: Contract) -> str:
    parts = {"value", "scheme", "meaning"}
    right = isinstance(value, Mapping) and all(
        name in contract.classes and isinstance(code, Mapping) and set(code) == parts for name, code in value.items()
    )
    return "" if right else "value, scheme and meaning by the name of a class"


def _text(value: Any, _: Contract) -> str:
    return "" if isinstance(value, str) else "text"


CHECKS: dict[str, Callable[[Any, Contract], str]] = {
    "classes": _classes,
    "channels": _whole(1),
    "thumbnail_size": _whole(3),
    "slice_axis": _one_of(*AXES),
    "intensity": _intensity,
    "modality": _texts,
    "body_part": _texts,
    "dicom_attributes": lambda value, _: conditions_problem(value),
    "values": _one_of(None, *KINDS),
    "slices": _pair(int, 1),
    "spacing": _pair(float, 0),
    "num_slices": _whole(1, optional=True),
    "threshold": _threshold,
    "class_codes": _codes,
    "intended_use": _text,
    "license": _text,
    "version": _text,
}
OF_BLOCK = (
    "modality", "body_part", "dicom_attributes", "values", "slices", "spacing", "intensity", "threshold", "class_codes",
    "license",
)  # fmt: skip
