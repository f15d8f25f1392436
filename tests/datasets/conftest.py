"""The fixture of ``tests/data`` that data sets need too."""

from tests.data.conftest import volume

__all__ = ["volume"]
