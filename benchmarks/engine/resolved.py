"""Which part of a config a training reads, and a digest of that part."""

from __future__ import annotations

import difflib
import hashlib
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from pydoc import locate
from typing import Any

from monai.bundle import ConfigParser

# the parts that a training and its measurement are made of; all else is reached from them, or does not count
ROOTS = ("seed", "weight_average", "train#trainer", "test#dataset")
# what a training does beside: it counts where it is not what train.json says
STEPS = ("initialize", "run", "averaged_network")
TRAIN = Path(__file__).parents[2] / "bundle/configs/train.json"
# what does not change the result: where things lie, what is printed, and how often is looked
ELSEWHERE = (
    "bundle_root",
    "dataset_dir",
    "output_dir",
    "device",
    "rank",
    "silent",
    "checkpoints",
    "num_workers",
    "val_interval",
    "writer",
    "validate#evaluator",
)
# remarks, and what the weights hold of their origin
BESIDE = ("_desc_", "contract")
# handlers that only tell or keep
REPORTERS = (
    *("ValidationHandler", "DASKeepBest", "StatsHandler", "TensorBoardStatsHandler", "ProgressBar"),
    "DASHoldTrainingCases",
)
REFERENCE = re.compile(r"@([A-Za-z_][\w#]*(?:::\w+)*)")


def resolved(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return all values of ``config`` that a training reads, by their ids ``a#b#c``.

    References and macros are followed from ``ROOTS`` and from unusual ``STEPS``, in texts and in expressions.
    """
    found: dict[str, Any] = {}
    seen: set[str] = set()
    usual = usual_steps()
    waiting = [*ROOTS, *(name for name in STEPS if name in config and config[name] != usual[name])]
    while waiting:
        name = waiting.pop()
        if name in seen or name in ELSEWHERE:
            continue
        seen.add(name)
        for place, value in leaves(name, value_at(config, name)):
            found[place] = value
            if isinstance(value, str):
                waiting.extend(referred(place, value))
                found |= {f"{place}%{inside}": each for inside, each in leaves("", macro_of_file(value))}
    return found


def referred(place: str, value: str) -> list[str]:
    """Return the ids that the text ``value`` at ``place`` refers to by ``@`` or, as a macro, by ``%``."""
    absolute: str = ConfigParser.resolve_relative_ids(place.replace("#", "::"), value)
    names = REFERENCE.findall(absolute)
    if absolute.startswith("%") and not ConfigParser.split_path_id(absolute[1:])[0]:
        names.append(absolute[1:])
    return [name.replace("::", "#") for name in names]


def macro_of_file(value: str) -> Any:
    """Return what a macro ``%file::id`` stands for; an empty object where ``value`` is none."""
    path, inside = ConfigParser.split_path_id(value[1:]) if value.startswith("%") else ("", "")
    return ConfigParser(ConfigParser.load_config_file(path))[inside] if path else {}


@lru_cache(maxsize=1)
def usual_steps() -> dict[str, Any]:
    """Return the ``STEPS`` of ``train.json``."""
    config: dict[str, Any] = json.loads(TRAIN.read_text(encoding="utf-8"))
    return {name: config[name] for name in STEPS}


def value_at(config: Mapping[str, Any], name: str) -> Any:
    """Return the value of ``config`` with the id ``a#b#c``; None where there is none."""
    value: Any = config
    for part in name.split("#"):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, Mapping) and part in value:
            value = value[part]
        else:
            return None
    return value


def leaves(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the id and value of every leaf below ``place``; remarks and reporting handlers are skipped."""
    if isinstance(value, Mapping):
        if str(value.get("_target_", "")).rpartition(".")[2] in REPORTERS:
            return
        for name, each in value.items():
            if name not in BESIDE:
                yield from leaves(f"{place}#{name}", each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(f"{place}#{number}", each)
    else:
        yield place, value


def digest(config: Mapping[str, Any]) -> str:
    """Return the digest, 16 hexadecimal digits, of all that a training reads from ``config``."""
    text = json.dumps(resolved(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def nearest(name: str, config: Mapping[str, Any]) -> str:
    """Return the name that a training reads from ``config`` and that is most like ``name``; empty if there is none."""
    known = {place.partition("#")[0] if "#" not in name else place for place in resolved(config)}
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return close[0] if close else ""


def unknown_argument(name: str, config: Mapping[str, Any]) -> str:
    """Return the fault if ``name``, an id ``a#b#argument``, is not an argument of the component ``a#b``; else ""."""
    place, _, argument = name.rpartition("#")
    if argument.startswith("_"):  # MONAI's own, as _target_
        return ""
    target = value_at(config, f"{place}#_target_") if place else None
    if not isinstance(target, str) or (component := locate(target)) is None:
        return ""
    taken = inspect.signature(component).parameters  # type: ignore[arg-type]
    if argument in taken or any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        return ""
    return f"{target.rpartition('.')[2]} takes no {argument!r}; it takes {', '.join(map(repr, taken))}"
