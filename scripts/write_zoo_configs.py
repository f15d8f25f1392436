"""Write the training configs of each bundle in zoo/: those of bundle/ with the overlay of its data applied."""

import json
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

ROOT = Path(__file__).parents[1]
BASE = ROOT / "bundle" / "configs"
OVERLAYS = {"lung_ultrasound": "covid_blues", "brain_flair": "brain_flair"}
WIDTH = 200


def zoo_configs(bundle: str) -> dict[str, str]:
    """Return the text of each config of ``bundle`` by its file name; what its metadata say is a reference to them."""
    files = (BASE / "train.json", BASE / "evaluate.json", ROOT / "configs" / "data" / f"{OVERLAYS[bundle]}.json")
    train, evaluate, overlay = (json.loads(path.read_text(encoding="utf-8")) for path in files)
    metadata = json.loads((ROOT / "zoo" / bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    told = {name for name, value in train.items() if str(value).startswith("@_meta_#")} | {"contract"}
    own = {name: f"@_meta_#settings#{name}" for name in metadata["settings"] if name in set(overlay) - told}
    parser = ConfigParser(train)
    parser.update({name: value for name, value in (overlay | own).items() if name not in told | {"_desc_"}})
    return {
        "train.json": text_of(parser.get()),
        "evaluate.json": text_of({name: value for name, value in evaluate.items() if name not in overlay}),
        "multi_gpu_train.json": (BASE / "multi_gpu_train.json").read_text(encoding="utf-8"),
    }


def text_of(config: dict[str, Any]) -> str:
    """Return ``config`` as JSON, each part on one line where it fits."""
    return _lines(config, 0) + "\n"


def _lines(node: Any, indent: int, used: int = 0) -> str:
    flat = json.dumps(node, ensure_ascii=False)
    if not isinstance(node, dict | list) or not node or (indent and indent + used + len(flat) < WIDTH):
        return flat
    inner, outer = " " * (indent + 4), " " * indent
    keys = [f"{json.dumps(key)}: " for key in node] if isinstance(node, dict) else [""] * len(node)
    values = node.values() if isinstance(node, dict) else node
    parts = [f"{inner}{key}{_lines(each, indent + 4, len(key))}" for key, each in zip(keys, values, strict=True)]
    first, last = "{}" if isinstance(node, dict) else "[]"
    return f"{first}\n" + ",\n".join(parts) + f"\n{outer}{last}"


if __name__ == "__main__":
    for bundle in OVERLAYS:
        for name, text in zoo_configs(bundle).items():
            (ROOT / "zoo" / bundle / "configs" / name).write_text(text, encoding="utf-8")
