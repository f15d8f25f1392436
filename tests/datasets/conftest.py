"""The fixtures of ``tests/data`` that data sets need too."""

from tests.data.conftest import data_root, volume

__all__ = ["data_root", "volume"]
