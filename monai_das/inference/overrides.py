"""Find keys that override nothing: MONAI takes any key without a word, also a misspelt one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any

from monai_das.inference.bundle_files import bundle_files, bundle_text, json_object

# what `monai.bundle run` itself takes
OPTIONS = {
    "run_id", "init_id", "final_id", "meta_file", "config_file", "logging_file", "tracking", "args_file",
    "workflow_type",
}  # fmt: skip


def unknown_overrides(bundle: str | PathLike[str], config_files: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Return a sentence for each override that changes nothing in a bundle's configs; nothing in them is executed.

    Overrides are ``keys`` such as ``train#trainer#max_epochs``, and the keys of all but the first config file. A new
    key that something refers to is no mistake, and neither is a new argument of a ``_target_``.

    Args:
        bundle: a folder, a zip of one, or a ``model.ts``.
        config_files: as for ``monai.bundle run``, relative to the bundle or to the working folder.
        keys: as on the command line, without the dashes.

    Raises:
        FileNotFoundError: there is no such bundle or config.
        ValueError: a config is no JSON object; or see :func:`~monai_das.inference.bundle_files.bundle_files`.
    """
    with bundle_files(bundle) as place:
        meta, *configs = (_config(place, name) for name in ("configs/metadata.json", *config_files))
    used = [_plain(each) for each in re.findall(r"[@%]([\w#:]+)", json.dumps([configs, meta]))]
    known = dict(_ids({"_meta_": meta, **configs[0]}))
    given = []
    for name, config in zip(config_files[1:], configs[1:], strict=True):
        own = [key for key in config if key != "_desc_" and not _is_used(_plain(key), used)]
        given += [(f"{name}: {key}", _plain(key)) for key in own]
        known |= {key: value for key, value in _ids(config) if key not in own}
    given += [(f"--{key}", _plain(key)) for key in keys if key not in OPTIONS]
    return [_sentence(shown, key, known) for shown, key in given if not _changes(key, known)]


def _config(place: Path, name: str) -> dict[str, Any]:
    if place.suffix == ".ts":
        text = bundle_text(place, Path(name).name)
    else:
        file = place / name if (place / name).is_file() else Path(name)
        text = file.read_text(encoding="utf-8") if file.is_file() else None
    if text is None:
        raise FileNotFoundError(f"{place} has no {name}, nor is there such a file here")
    return json_object(text, name)


def _plain(key: str) -> str:
    return key.lstrip("+~").replace("::", "#")


def _ids(content: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield id and value of all that a config holds."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in pairs:
        inner = f"{place}#{key}" if place else _plain(str(key))
        yield inner, value
        yield from _ids(value, inner)


def _is_used(key: str, used: list[str]) -> bool:
    return any(f"{each}#".startswith(f"{key}#") or key.startswith(f"{each}#") for each in used)


def _changes(key: str, known: dict[str, Any]) -> bool:
    parent = known.get(key.rpartition("#")[0])
    return key in known or (isinstance(parent, dict) and "_target_" in parent)


def _sentence(shown: str, key: str, known: dict[str, Any]) -> str:
    (nearest,) = get_close_matches(key, known, n=1, cutoff=0.0)
    return f"{shown} changes nothing; did you mean {nearest}?"
