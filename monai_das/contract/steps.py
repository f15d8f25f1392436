"""Does the preprocessing of a config do what the contract states?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from monai_das.contract.terms import Contract
from monai_das.transforms import DASScaleIntensityd, SliceAxisd


def check_steps(contract: Contract, steps: Iterable[Any]) -> None:
    """Compare transforms with ``contract``: the slice axis, the scaling of intensities and the size of thumbnails.

    Raises:
        ValueError: a transform does something else; each is named with both values.
    """
    found: list[str] = []
    for step in steps:
        if isinstance(step, SliceAxisd) and step.slice_axis.axis not in (None, contract.slice_axis):
            found.append(_differs("slice_axis", step.slice_axis.axis, contract.slice_axis))
        if isinstance(step, DASScaleIntensityd):
            if step.size != contract.thumbnail_size:
                found.append(_differs("thumbnail_size", step.size, contract.thumbnail_size))
            if step.intensity != dict(contract.intensity):
                found.append(_differs("intensity", step.intensity, dict(contract.intensity)))
    if found:
        raise ValueError("; ".join(found))


def _differs(name: str, given: object, stated: object) -> str:
    return f"{name}: preprocessing has {given!r}, the contract in the metadata says {stated!r}"
