"""Values in configs, found without running them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def entry_at(content: Any, *keys: str) -> Any:
    """Return the entry of nested dictionaries and lists, None where there is none."""
    for key in keys:
        if isinstance(content, list) and key.isdigit() and int(key) < len(content):
            content = content[int(key)]
        else:
            content = content.get(key) if isinstance(content, Mapping) else None
    return content


def resolved(both: Mapping[str, Any], value: Any) -> Any:
    """Follow plain references such as ``@num_slices``; expressions stay as they are written."""
    for _ in range(9):
        if not (isinstance(value, str) and value.startswith("@")):
            break
        value = entry_at(both, *value[1:].replace("::", "#").split("#"))
    return value
