"""Find the path of each case, by the map of ``monai-das predict --map`` or by the files' names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from monai_das.data import find_cases, is_address


def mapped_cases(inputs: Sequence[Path], map_file: Path | None = None) -> dict[str, Path]:
    """Return the path of each case by its id.

    Args:
        inputs: the inputs of ``monai-das predict``; used only without ``map_file``, when cases are named by their
            files, as with ``--include-phi``.
        map_file: from ``monai-das predict --map``; cases on DICOMweb servers have no path and are left out.

    Raises:
        FileNotFoundError: an input or the map does not exist.
        ValueError: an input holds no case, or ``map_file`` is not such a map.
    """
    if map_file is None:
        return dict(find_cases(inputs))
    try:
        content = json.loads(map_file.read_text(encoding="utf-8"))
        return {str(case): Path(path) for case, path in content["cases"].items() if not is_address(path)}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{map_file} maps no cases; give what monai-das predict --map wrote") from error
