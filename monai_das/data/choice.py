"""A place that says which of several images in it is meant: a path or address, and what was chosen there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Union
from urllib.parse import quote, unquote

CHOICE = re.compile(r"#choose=([^/#]+)$")


def chosen_place(study: Union[Path, str], choose: Mapping[str, object] | None) -> Union[Path, str]:
    """Return a place that :func:`~monai_das.data.open_source` opens as it does ``study`` with ``choose``.

    Example:
        >>> chosen_place(Path("/studies/head"), {"time_point": 1}).as_posix()
        '/studies/head#choose=%7B%22time_point%22%3A%201%7D'
    """
    if not choose:
        return study
    text = f"{study}#choose={quote(json.dumps(dict(choose), sort_keys=True), safe='')}"
    return Path(text) if isinstance(study, Path) else text


def split_choice(
    study: str | PathLike[str], choose: Mapping[str, object] | None = None
) -> tuple[str | PathLike[str], Mapping[str, object] | None]:
    """Return the study of what :func:`chosen_place` made, and what is chosen; any other place and ``choose``.

    What ``choose`` says counts before what the place says.
    """
    found = CHOICE.search(str(study))
    if found is None or Path(study).exists():
        return study, choose
    bare = str(study)[: found.start()]
    return Path(bare) if isinstance(study, Path) else bare, {**json.loads(unquote(found[1])), **(choose or {})}
