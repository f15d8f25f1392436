"""What ``monai-das predict`` left in a folder, by the ids of the cases, which no test can know beforehand."""

import json
from pathlib import Path
from typing import Any


def only_case(out: Path) -> Path:
    """Return the folder of the one case in ``out``."""
    (folder,) = (path for path in out.iterdir() if path.is_dir())
    return folder


def results(out: Path) -> dict[str, dict[str, Any]]:
    """Return ``result.json`` of every case in ``out``, by the name of its folder."""
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*/result.json")}


def only_result(out: Path) -> dict[str, Any]:
    """Return ``result.json`` of the one case in ``out``."""
    found: dict[str, Any] = json.loads((only_case(out) / "result.json").read_text(encoding="utf-8"))
    return found
