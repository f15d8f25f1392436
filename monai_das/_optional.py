"""Packages that only an extra installs."""

from importlib import import_module
from types import ModuleType


def require(name: str, extra: str) -> ModuleType:
    """Import the module ``name``, which the extra ``extra`` of this package installs.

    Raises:
        ImportError: the module is not installed; the message names the extra and the command to type.
            A module that is installed and breaks while it loads raises its own error.

    Example:
        >>> require("json", extra="export").dumps([1])
        '[1]'
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise ImportError(
            f"{name} is needed and is not installed; install the extra {extra!r}: pip install 'monai-das[{extra}]'",
            name=name,
        ) from error
