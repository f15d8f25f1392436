"""What a worker does with a block of cases, in whatever process an engine puts it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from monai_das.cohort.ledger import record_path
from monai_das.cohort.marks import CaseMark
from monai_das.data import CaseKey, is_address, memory_limit, plain_text, silence_libraries
from monai_das.inference import CaseResult, Predictor, ThumbnailStore
from monai_das.reports import CaseError, CaseRun, ReportSettings, write_object
from monai_das.reports.results_folder import writing


@dataclass(frozen=True)
class Job:
    """What a worker needs to know; it can be pickled.

    Attributes:
        bundle, device, num_slices, accept_any_input: for :class:`~monai_das.inference.Predictor`.
        key: names cases and patients.
        out: the folder of the cohort, where reports go.
        records: where the rows of cases go.
        reports: kinds, as :class:`~monai_das.reports.ReportSettings` has them.
        timeout: seconds for a case; None sets no limit.
        max_memory: bytes that a case may ask for, None for the default.
        thumbnails: where thumbnails are kept for later runs; None keeps none.
        runtime, graphs: for :class:`~monai_das.inference.Predictor`.
    """

    bundle: Path
    key: CaseKey = field(repr=False)
    out: Path
    records: Path
    device: str = "cpu"
    num_slices: int | None = None
    accept_any_input: bool = False
    reports: tuple[str, ...] = ()
    timeout: float | None = None
    max_memory: int | None = None
    thumbnails: Path | None = None
    runtime: str = "torch"
    graphs: Path | None = None

    def predictor(self) -> Predictor:
        """Return the predictor of this job; see :class:`~monai_das.inference.Predictor` for the errors."""
        store = None if self.thumbnails is None else ThumbnailStore(self.thumbnails, self.key)
        return Predictor(
            self.bundle,
            self.device,
            self.num_slices,
            accept_any_input=self.accept_any_input,
            store=store,
            runtime=self.runtime,
            graphs=self.graphs,
        )


class Worker:
    """Do cases one by one, and write a record of each.

    Args:
        job: what to do.
        watched: this process may be ended by a case that takes too long, and is alone in asking for the interpreter's
            last words.
    """

    def __init__(self, job: Job, *, watched: bool = True) -> None:
        silence_libraries()
        self.job, self.watched = job, watched
        self.predictor = job.predictor()
        self.name = f"{socket.gethostname()}:{os.getpid()}"

    def do(self, cases: Sequence[dict[str, Any]]) -> None:
        """Do the rows ``cases`` of a manifest, except those that have a record.

        Whatever a case does, its row is written: one that ended its worker too often is not begun again.

        Raises:
            CannotWriteError: the disk is full or read-only.
        """
        with writing(self.job.out):
            self._do(cases)

    def _do(self, cases: Sequence[dict[str, Any]]) -> None:
        for case in cases:
            record = record_path(self.job.records, case["case_id"])
            mark = CaseMark(record.with_suffix(".begun"))
            if not record.exists():
                start, spent = time.perf_counter(), mark.spent()
                if spent is None:
                    with mark.begun(self.job.timeout, watched=self.watched):
                        row = self._row(case)
                else:
                    row = {"state": spent, "reason": REASONS[spent]}
                seconds = time.perf_counter() - start
                ended = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
                facts = {"case_id": case["case_id"], "bytes": case["bytes"], "worker": self.name}
                write_object({**facts, **row, "seconds": seconds, "ended": ended}, record)
            mark.remove()

    def _row(self, case: dict[str, Any]) -> dict[str, Any]:
        place = case["location"]
        settings = ReportSettings(self.job.key, self.job.reports)
        study = place if is_address(place) else Path(place)
        with memory_limit(self.job.max_memory):
            outcome = CaseRun(self.predictor, self.job.out, settings).outcome(case["case_id"], study)
        if isinstance(outcome, CaseError):
            return {
                "result_id": outcome.case,
                "state": "refused" if outcome.refused else "failed",
                "reason": outcome.error,
            }
        assert isinstance(outcome, CaseResult)
        return row_of(outcome)


REASONS = {
    "crashed": "the case ended its worker again and again; see the mark of the case, or run monai-das predict on it",
    "timeout": "the case took longer than --timeout, twice",
}


def row_of(result: CaseResult) -> dict[str, Any]:
    """Return ``result`` as a row of the ledger."""
    return {
        "result_id": result.case_id,
        "group": result.group,
        "state": "done",
        "reason": "; ".join(f"report {kind}: {why}" for kind, why in result.report_errors.items()) or None,
        "source": result.source_kind,
        "label": result.label_name,
        "probabilities": [{"name": name, "probability": each} for name, each in result.probabilities.items()],
        "total_slices": result.total_slices,
        "selected_slices": [each.index for each in result.selected],
        "warnings": [plain_text(each) for each in result.warnings],
        "notices": list(result.notices),
    }
