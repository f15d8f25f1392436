"""Runs of the training engine before MONAI's workflow: their lines have no ``engine``, and tables mark them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

NOTE = "† trained by the engine before 2026-12; to be run again"


def by_old_engine(runs: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether the old engine trained one of ``runs``."""
    return any("engine" not in run for run in runs)


def marked(name: str, old: bool) -> str:
    """Return the ``name`` of a row, with a dagger where the row holds a run of the old engine."""
    return f"{name} †" if old else name


def with_note(lines: list[str], old: bool) -> list[str]:
    """Return the ``lines`` of a table, with the sentence that explains the dagger where it has one."""
    return [*lines, "", NOTE] if old else lines
