"""Which case is which path or address: one JSON file, the only one with identities unless others are asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from monai_das.data import CASE_ID, Study, chosen_place, is_address
from monai_das.reports.json_report import write_object
from monai_das.reports.results_folder import writing


class CaseMap:
    """Notes the path or address of every case of a run, in a file that may hold those of earlier runs too.

    An id always means the same study, so one file can serve any number of runs and folders of results. It is written at
    once, while cases are added, and when this is closed: what an interrupted run has added is not lost for long.

    Args:
        path: the JSON file.
        seconds: how long an addition may wait to be written.

    Raises:
        ValueError: ``path`` is a file that holds something else.
        OSError: it cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with CaseMap(Path(folder) / "map.json") as found:
        ...         found.add("case-0123456789abcdef", Path("/studies/head"))
        ...     read_case_map(Path(folder) / "map.json")
        {'case-0123456789abcdef': PosixPath('/studies/head')}
    """

    def __init__(self, path: Path, seconds: float = 5.0) -> None:
        self.path, self.seconds = path, seconds
        self._places: dict[str, str] = {}
        self.write()

    def __enter__(self) -> CaseMap:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.write()

    def add(self, case_id: str, study: Study, choose: Mapping[str, object] | None = None) -> None:
        """Note where a case is, and what was chosen there; a study that has moved is where it was seen last."""
        self._places[case_id] = str(chosen_place(study.absolute() if isinstance(study, Path) else study, choose))
        if time.monotonic() - self._written > self.seconds:
            self.write()

    def write(self) -> None:
        """Write what was added to what the file holds, whole or not at all."""
        known = _places(self.path) if self.path.exists() else {}
        with writing(self.path):
            write_object({"cases": known | self._places}, self.path)
        self._written = time.monotonic()


def read_case_map(path: Path) -> dict[str, Study]:
    """Return the path or address of each case in the file of :class:`CaseMap`.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: it is not such a file.
    """
    return {case: place if is_address(place) else Path(place) for case, place in _places(path).items()}


def _places(path: Path) -> dict[str, str]:
    try:
        places = json.loads(path.read_text(encoding="utf-8"))["cases"]
        found = {str(case): str(place) for case, place in places.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} maps no cases; give what monai-das predict --map wrote") from error
    others = [case for case in found if not CASE_ID.fullmatch(case)]
    if others:
        raise ValueError(
            f"{path} maps {others[0]!r}, which is no id of a study but its name in one run of an earlier version; "
            "predict again with a new map"
        )
    return found
