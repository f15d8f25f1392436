"""The errors of a run; a failed case does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from monai_das.reports import CaseError
from monai_das.reports.json_report import write_object
from monai_das.reports.privacy import error_message

ERRORS = "errors.json"
logger = logging.getLogger(__name__)


@dataclass
class DeployOutcome:
    """Collects the errors of one run, and logs each as it happens."""

    errors: list[CaseError] = field(default_factory=list)

    @contextmanager
    def of(self, case_id: str, series: str) -> Iterator[None]:
        """Add what the body raises instead of raising it.

        ``series`` is the SeriesInstanceUID, or empty for the study as a whole.
        """
        try:
            yield
        except Exception as error:
            where = f"series {series}: " if series else ""
            self.errors.append(CaseError(case_id, f"{where}{error_message(error, case_id)}"))
            logger.error("%s: %s", case_id, self.errors[-1].error)

    def write(self, folder: Path) -> None:
        """Write ``folder/errors.json``; without errors, remove the file of an older run."""
        if self.errors:
            write_object({"errors": [asdict(error) for error in self.errors]}, folder / ERRORS)
        else:
            (folder / ERRORS).unlink(missing_ok=True)
