"""Folders below a folder, each visited once: circles of links end, and nesting has no limit but the system's."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

NUMBER = re.compile(r"(\d+)")
HIDDEN, LINK = "hidden file or folder", "second link to a file"


@dataclass
class Folder:
    """One folder: its files in order of their names, and what cannot be looked at.

    Attributes:
        path: the folder.
        files: regular files, or links to them, that are not hidden, each once.
        unreadable: entries that cannot be looked at, and the folder itself if it cannot be listed.
        special: devices, pipes and sockets.
        passed: how many entries were passed over, by what they are.
    """

    path: Path
    files: list[Path] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)
    special: list[Path] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)


def walk_folders(root: Path, *, below: bool = True) -> Iterator[Folder]:
    """Yield the folder ``root`` and those below it in order of their names, each once; nothing is raised.

    Args:
        root: a folder.
        below: whether to visit the folders in it too.
    """
    known: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        path = waiting.pop()
        found = Folder(path)
        folders = []
        for entry in _entries(found, known):
            mode = _mode(entry, found, known)
            if stat.S_ISDIR(mode):
                folders.append(entry)
            elif stat.S_ISREG(mode):
                found.files.append(entry)
        yield found
        if below:
            waiting.extend(reversed(folders))


def natural(path: Path) -> tuple[tuple[int, int | str], ...]:
    """Return a key by which names sort as people count: ``IM2`` before ``IM10``."""
    parts = NUMBER.split(path.name)
    return tuple((0, int(part)) if place % 2 else (1, part) for place, part in enumerate(parts))


def _entries(found: Folder, known: set[tuple[int, int]]) -> list[Path]:
    """Return what is in the folder, sorted; nothing if it was visited before."""
    try:
        state = found.path.stat()
        if (state.st_dev, state.st_ino) in known:
            return []
        known.add((state.st_dev, state.st_ino))
        with os.scandir(found.path) as entries:
            return sorted(Path(entry.path) for entry in entries)
    except OSError:
        found.unreadable.append(found.path)
        return []


def _mode(entry: Path, found: Folder, known: set[tuple[int, int]]) -> int:
    """Return the kind of ``entry`` where it is to be looked into, else note why not and return 0."""
    if entry.name.startswith("."):
        found.passed[HIDDEN] += 1
        return 0
    try:
        state = entry.stat()
    except OSError:
        found.unreadable.append(entry)
        return 0
    if stat.S_ISREG(state.st_mode):
        if (state.st_dev, state.st_ino) in known:
            found.passed[LINK] += 1
            return 0
        known.add((state.st_dev, state.st_ino))
    elif not stat.S_ISDIR(state.st_mode):
        found.special.append(entry)
    return state.st_mode
