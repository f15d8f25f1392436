"""Write the reports of the application."""

from __future__ import annotations

from pathlib import Path

from monai_das.data import SliceSource
from monai_das.inference import CaseResult
from monai_das.reports.json_report import write_json
from monai_das.reports.key_objects import write_key_objects
from monai_das.reports.structured_report import write_structured_report

FILES = ("sr.dcm", "kos.dcm", "result.json")


def write_reports(result: CaseResult, source: SliceSource, folder: Path) -> None:
    """Write ``sr.dcm``, ``kos.dcm`` and ``result.json`` into ``folder``; the JSON is written last."""
    folder.mkdir(parents=True, exist_ok=True)
    write_structured_report(result, source, folder / "sr.dcm")
    write_key_objects(result, source, folder / "kos.dcm")
    write_json(result, folder / "result.json")


def remove_reports(folder: Path) -> None:
    """Remove the reports that an older run left in ``folder/case-*``."""
    for name in FILES:
        for file in folder.glob(f"case-*/{name}"):
            file.unlink()
