"""What a bundle's configs would execute, found without executing it. MONAI's config language runs code."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pydoc import ErrorDuringImport, locate
from typing import Any

from monai.bundle.config_item import ComponentLocator

TRUSTED = ("monai", "monai_das", "torch", "ignite")
# parts of these packages that load or run what somebody else wrote
LOADERS = (
    "monai.apps", "monai.bundle", "monai.utils", "torch.hub", "torch.jit", "torch.serialization", "torch.package",
    "torch.utils.cpp_extension",
)  # fmt: skip


def code_in_config(content: Any) -> list[tuple[str, str]]:
    """Return place and text of all that running a config would execute beyond ``monai``, ``monai_das``, torch, ignite.

    These are ``$`` expressions, macros that read another file, and every ``_target_`` that is not a class or function
    of these four packages, or is one of their parts that load foreign code. Nothing of the config is executed; a
    ``_target_`` is looked up in the four packages alone.

    Example:
        >>> code_in_config({"a": "$print(1)", "b": [{"_target_": "os.system"}, {"_target_": "torch.nn.ReLU"}]})
        [('a', '$print(1)'), ('b#0', '_target_ os.system')]
    """
    locator = ComponentLocator()
    found = []
    for place, key, value in _items(content):
        if isinstance(value, str) and (value.startswith("$") or (value.startswith("%") and ".json" in value.lower())):
            found.append((place, value))
        elif key == "_target_" and not _is_trusted(value, locator):
            found.append((place.rpartition("#")[0], f"_target_ {value}"))
    return found


def _items(content: Any, place: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield place, key and value of everything in nested dictionaries and lists."""
    if isinstance(content, Mapping):
        pairs = [(str(key), value) for key, value in content.items()]
    elif isinstance(content, list):
        pairs = [(str(number), value) for number, value in enumerate(content)]
    else:
        return
    for key, value in pairs:
        inner = f"{place}#{key}" if place else key
        yield inner, key, value
        yield from _items(value, inner)


def _is_trusted(target: Any, locator: ComponentLocator) -> bool:
    """Whether ``target`` names a class or function that was written in one of the four packages."""
    if not isinstance(target, str):
        return False
    modules = locator.get_component_module_name(target)
    if modules:
        return not any(_is_within(each, LOADERS) for each in ([modules] if isinstance(modules, str) else modules))
    if not _is_within(target, TRUSTED) or "." not in target:
        return False
    try:
        component = locate(target)
    except (ErrorDuringImport, ImportError):
        return False
    # torch.os.system is written in posix
    module = getattr(component, "__module__", None) or ""
    written = inspect.isclass(component) or callable(component)
    return written and _is_within(module, TRUSTED) and not _is_within(module, LOADERS)


def _is_within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in packages)
