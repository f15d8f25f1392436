"""Find where cases lie by their ids; a path counts only if the study there has the id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from monai_das.data import CaseKey, Finding, SliceSource, find_studies, open_source
from monai_das.reports import read_case_map
from monai_das.reports.privacy import error_message


def case_paths(
    cases: Iterable[str], case_key: CaseKey, *, map_file: Path | None = None, inputs: Sequence[Path] = ()
) -> dict[str, Path]:
    """Return the path of each of ``cases``; the study there was opened, and its id is the case's.

    So a map of other results, a file that was replaced since, and another key are found out.

    Args:
        cases: ids.
        case_key: made the ids.
        map_file: from ``monai-das predict --map``; cases on DICOMweb servers have no path.
        inputs: instead, where the cases are looked for: files, and folders of cases.

    Raises:
        FileNotFoundError: the map does not exist.
        ValueError: ``map_file`` is no map, a case is nowhere, or another study lies at its path.
    """
    wanted = set(cases)
    if map_file is not None:
        places = read_case_map(map_file)
        found = {case: path for case, path in places.items() if case in wanted and isinstance(path, Path)}
        for case, path in found.items():
            open_case(case, path, case_key)
    else:
        found = {case: path for case, path in studies_by_id(inputs, case_key).items() if case in wanted}
    missing = sorted(wanted - set(found))
    if missing:
        where = "where you said" if map_file is None else f"in {map_file}"
        raise ValueError(
            f"no case called {', '.join(missing)} {where}; give the map that monai-das predict --map wrote for these "
            "results, and the --case-key that it had"
        )
    return found


def open_case(case: str, path: Path, case_key: CaseKey) -> SliceSource:
    """Return the study at ``path``, once it is clear that it is ``case``.

    Raises:
        ValueError: it is another one, or cannot be opened; the message has no path.
    """
    try:
        source = open_source(path)
        found = case_key.case_id(source)
    except (ValueError, OSError) as error:
        raise ValueError(Finding(f"{case} cannot be read: {error_message(error, case)}")) from error
    if found != case:
        raise ValueError(
            Finding(
                f"{case}: another study ({found}) lies at its path, or another key made the map; give the map of these "
                "results, and the --case-key that they had"
            )
        )
    return source


def studies_by_id(inputs: Sequence[Path], case_key: CaseKey) -> dict[str, Path]:
    """Return the path of every study on disk in ``inputs`` that can be opened, by its id."""
    found: dict[str, Path] = {}
    for _, path in find_studies(inputs):
        if isinstance(path, Path):
            try:
                found.setdefault(case_key.case_id(open_source(path)), path)
            except (ValueError, OSError):
                continue
    return found
