"""The errors of a run; a failed case does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from monai_das.data import PassedOver
from monai_das.reports import CaseError, write_errors
from monai_das.reports.privacy import error_message

logger = logging.getLogger(__name__)


@dataclass
class DeployOutcome:
    """Collects the errors of one run, and logs each as it happens."""

    errors: list[CaseError] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)

    @contextmanager
    def of(self, case_id: str, series: str) -> Iterator[None]:
        """Add what the body raises instead of raising it.

        ``series`` is the SeriesInstanceUID, or empty for the study as a whole.
        """
        try:
            yield
        except Exception as error:
            self.add(case_id, series, error_message(error, case_id))

    def add(self, case_id: str, series: str, message: str) -> None:
        """Add an error that was not raised; arguments as for :meth:`of`."""
        self.errors.append(CaseError(case_id, f"series {series}: {message}" if series else message))
        logger.error("%s: %s", case_id, self.errors[-1].error)

    def write(self, folder: Path) -> None:
        """Write ``folder/errors.json``: the errors, and what was passed over; see :func:`write_errors`."""
        write_errors(self.errors, self.passed_over, folder)
