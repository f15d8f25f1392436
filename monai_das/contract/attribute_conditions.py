"""Conditions of a contract on DICOM attributes: what they may be, in words, and whether a header fulfils them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from monai_das.contract.dicom_terms import MR_CODES
from monai_das.data.dicom.attributes import (
    NUMBER_KINDS,
    TEXT_KINDS,
    attribute_kind,
    attribute_name,
    attribute_values,
)

if TYPE_CHECKING:
    from pydicom import Dataset

Conditions = Mapping[str, Mapping[str, Any]]
LEAST, MOST, CONTAINS = "at_least", "at_most", "contains"


def conditions_problem(value: Any) -> str:
    """Return what conditions must be, and which of ``value`` is not that; empty where all are, or there are none."""
    if value is None:
        return ""
    wanted = f"null, or by DICOM keyword {LEAST} and {MOST} for numbers, {CONTAINS} with a list for texts"
    if not isinstance(value, Mapping) or not value:
        return wanted
    wrong = [keyword for keyword, condition in value.items() if not _is_condition(keyword, condition)]
    return f"{wanted} ({wrong[0]} has none of these)" if wrong else ""


def conditions_in_words(conditions: Conditions) -> str:
    """Return what is accepted of each attribute.

    Example:
        >>> conditions_in_words({"EchoTime": {"at_least": 70}, "ScanningSequence": {"contains": ["IR", "RM"]}})
        'EchoTime 70 or more, ScanningSequence with IR or RM'
    """
    return ", ".join(
        f"{keyword} {'with ' if CONTAINS in condition else ''}{_accepted(condition)}"
        for keyword, condition in conditions.items()
    )


def compared(conditions: Conditions, header: Dataset, frame: int | None) -> tuple[list[str], list[str]]:
    """Return why ``conditions`` do not accept a frame, and the keywords of attributes that it does not state.

    Args:
        conditions: of a contract.
        header: all tags of the object before its pixels.
        frame: number of the frame, 1-based; None for an object of one.
    """
    reasons, unstated = [], []
    for keyword, condition in conditions.items():
        try:
            name, values = attribute_values(header, keyword, frame)
        except ValueError:
            reasons.append(f"{attribute_name(keyword)} holds no number, {_accepted(condition)} is accepted")
            continue
        if not values:
            unstated.append(keyword)
        elif not _fulfils(values, condition):
            reasons.append(f"{attribute_name(name)} is {_quoted(values)}, {_accepted(condition)} is accepted")
    return reasons, unstated


def _is_condition(keyword: str, condition: Any) -> bool:
    kind = attribute_kind(keyword)
    if not isinstance(condition, Mapping) or not condition or kind not in (*NUMBER_KINDS, *TEXT_KINDS):
        return False
    if kind in TEXT_KINDS:
        return set(condition) == {CONTAINS} and _are_texts(condition[CONTAINS])
    numbers = all(type(each) in (int, float) and math.isfinite(each) for each in condition.values())
    return set(condition) <= {LEAST, MOST} and numbers and _range(condition)[0] <= _range(condition)[1]


def _are_texts(value: Any) -> bool:
    right = isinstance(value, (list, tuple)) and len(value) > 0
    return right and all(isinstance(each, str) and each == each.strip() != "" for each in value)


def _range(condition: Mapping[str, Any]) -> tuple[float, float]:
    return condition.get(LEAST, -math.inf), condition.get(MOST, math.inf)


def _fulfils(values: list[float] | list[str], condition: Mapping[str, Any]) -> bool:
    if CONTAINS in condition:
        return bool(set(values) & set(condition[CONTAINS]))
    low, high = _range(condition)
    return all(low <= float(value) <= high for value in values)


def _accepted(condition: Mapping[str, Any]) -> str:
    if CONTAINS in condition:
        return " or ".join(condition[CONTAINS])
    low, high = _range(condition)
    if math.isinf(high):
        return f"{low:g} or more"
    return f"{high:g} or less" if math.isinf(low) else f"{low:g} to {high:g}"


def _quoted(values: list[float] | list[str]) -> str:
    """Return numbers and codes of the standard; other texts may be anything, a name too."""
    if any(isinstance(value, str) and value not in MR_CODES for value in values):
        return "another value"
    return " and ".join(value if isinstance(value, str) else f"{value:g}" for value in values)
