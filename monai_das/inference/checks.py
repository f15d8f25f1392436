"""One line of ``monai-das doctor``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """What was looked at and what was found.

    Attributes:
        name: what was looked at.
        found: what is there, or what to do.
        state: ``"ok"``; ``"note"``, something optional is not there; ``"missing"``, something needed is not there.
    """

    name: str
    found: str
    state: str = "ok"
