"""What a server that files are sent to can do, and the two ways in which it says no."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path


class RefusedError(ValueError):
    """The server does not take this file, however often it is asked."""


class NotNowError(ConnectionError):
    """The server may take the file a little later.

    Args:
        words: what it answered.
        wait: seconds after which it wants to be asked again, if it said so.
    """

    def __init__(self, words: str, wait: float | None = None) -> None:
        super().__init__(words)
        self.wait = wait


class SendPeer(ABC):
    """A server that takes DICOM files.

    Attributes:
        name: its address without name and password, for messages.
    """

    name: str

    @abstractmethod
    def connect(self) -> None:
        """Echo: raise :class:`NotNowError` if nobody answers, ``ConnectionError`` if the server wants nothing of us."""

    @abstractmethod
    def store(self, file: Path) -> None:
        """Return once the server has confirmed the object in ``file``.

        Raises:
            NotNowError: asking again may help.
            RefusedError: it does not.
            ValueError: the file cannot be read.
        """

    @abstractmethod
    def holds(self, file: Path) -> bool | None:
        """Say whether the server has the object in ``file``; None if it does not tell."""

    @abstractmethod
    def close(self) -> None:
        """End the connection."""
