"""Run a model over a cohort: plan, ledger, engine, and the end where manifest and ledger are compared."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from monai_das.cohort.engines import Cases, Engine, LocalEngine
from monai_das.cohort.ledger import FAILED, Ledger, locked
from monai_das.cohort.manifest import read_manifest
from monai_das.cohort.plan import Plan, plan_cohort
from monai_das.cohort.summary import write_summary
from monai_das.cohort.worker import Job
from monai_das.data import CaseKey
from monai_das.reports import write_object

RUN = "run.json"
# records become a part of the ledger when there are so many, or so many seconds have gone
PART_CASES, PART_SECONDS = 1000, 30.0


@dataclass(frozen=True)
class CohortProgress:
    """How far a run is.

    Attributes:
        total: cases of this shard.
        states: number of its cases by state, earlier runs included.
        new: of these, the ones of this run.
        size: bytes of those, as far as the manifest says.
    """

    total: int
    states: Counter[str]
    new: int = 0
    size: int = 0


@dataclass(frozen=True)
class CohortOptions:
    """What is written, and how a case is treated.

    Attributes:
        key: names cases and patients in results; None makes a key that nobody else has.
        device, num_slices, accept_any_input, runtime, graphs: for :class:`~monai_das.inference.Predictor`.
        reports: kinds of reports, as :class:`~monai_das.reports.ReportSettings` has them; none by default.
        timeout: seconds after which a case ends its worker; a case that does it twice is given up.
        max_memory: bytes that a case may ask for; None for the default.
        thumbnails: folder that keeps thumbnails for later runs.
        shard: number of this shard, and how many there are.
        retry_failed: do again what failed, crashed or took too long.
    """

    key: CaseKey = field(default_factory=CaseKey.new)
    device: str = "cpu"
    num_slices: int | None = None
    accept_any_input: bool = False
    reports: tuple[str, ...] = ()
    timeout: float | None = 600.0
    max_memory: int | None = None
    thumbnails: Path | None = None
    runtime: str = "torch"
    graphs: Path | None = None
    shard: tuple[int, int] = (0, 1)
    retry_failed: bool = False


@dataclass(frozen=True)
class CohortSummary:
    """What is in the ledger at the end.

    Attributes:
        states: number of cases of this shard by state.
        missing: cases of this shard without a row; there should be none.
        new: cases that this run has done.
        seconds: of this run.
    """

    states: Counter[str]
    missing: tuple[str, ...]
    new: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every case has a row and none failed."""
        return not self.missing and not any(self.states[each] for each in FAILED)


def run_cohort(
    manifest: str | PathLike[str],
    model: str | PathLike[str],
    out: str | PathLike[str],
    engine: Engine | None = None,
    options: CohortOptions | None = None,
    said: Callable[[CohortProgress], None] = lambda progress: None,
) -> CohortSummary:
    """Predict every case of ``manifest`` and keep a row of each in ``out/ledger``.

    A run that was ended, however that happened, is continued by the same call: what is in the ledger is not done again.

    Args:
        manifest: see :func:`~monai_das.cohort.read_manifest`.
        model: a bundle.
        out: folder of the cohort.
        engine: where the work is done; by default one process of this machine.
        options: the rest.
        said: called whenever rows were committed.

    Raises:
        FileNotFoundError, ValueError: there is no such manifest, bundle or shard; ``out`` is of other weights or
            settings, or another run has this shard.
        RuntimeError: workers cannot start.
        ImportError: the extra ``ray`` is not installed.
    """
    options, start = options or CohortOptions(), time.perf_counter()
    folder, (number, count) = Path(out), options.shard
    shard = f"{number}-of-{count}"
    job = Job(
        bundle=Path(model).absolute(),
        key=options.key,
        out=folder.absolute(),
        records=folder.absolute() / "open" / shard,
        device=options.device,
        num_slices=options.num_slices,
        accept_any_input=options.accept_any_input,
        reports=options.reports,
        timeout=options.timeout,
        max_memory=options.max_memory,
        thumbnails=None if options.thumbnails is None else options.thumbnails.absolute(),
        runtime=options.runtime,
        graphs=None if options.graphs is None else options.graphs.absolute(),
    )
    predictor = job.predictor()
    plan = plan_cohort(read_manifest(manifest), predictor.model.contract, accept_any_input=options.accept_any_input)
    plan.shard(number, count)
    folder.mkdir(parents=True, exist_ok=True)
    _check_run(folder, job, predictor.fingerprint)
    with locked(folder, shard):
        ledger = Ledger(folder, shard)
        ledger.take_over()
        if options.retry_failed:
            ledger.remove(FAILED)
        run = _Run(plan, ledger, options.shard, said)
        run.work(engine or LocalEngine(), job)
        summary = run.summary(time.perf_counter() - start)
    write_summary(ledger, folder, manifest_rows=len(plan.refused) + plan.accepted.num_rows)
    return summary


class _Run:
    """The work of one shard."""

    def __init__(
        self, plan: Plan, ledger: Ledger, shard: tuple[int, int], said: Callable[[CohortProgress], None]
    ) -> None:
        self.plan, self.ledger, self.said = plan, ledger, said
        self.refused = dict(plan.refused_in(*shard))
        self.blocks = plan.shard(*shard)
        names = plan.accepted["case_id"].to_pylist()
        self.ids = {*self.refused, *(name for block in self.blocks for name in names[block.start : block.stop])}
        self.new = self.size = 0
        self.states: Counter[str] = Counter()

    def work(self, engine: Engine, job: Job) -> None:
        """Do what is not in the ledger."""
        self.ledger.commit()
        self.ledger.write(
            [_refused(name, why) for name, why in self.refused.items() if name not in self.ledger.committed]
        )
        rows = self.ledger.rows(["case_id", "state"])
        for name, state in zip(rows["case_id"].to_pylist(), rows["state"].to_pylist(), strict=True):
            self.states[state] += name in self.ids
        self._say()
        waiting, since = 0, time.monotonic()
        for done in engine.run(job, self._pending()):
            waiting += done
            if waiting >= PART_CASES or time.monotonic() - since > PART_SECONDS:
                self._commit()
                waiting, since = 0, time.monotonic()
        self._commit()

    def summary(self, seconds: float) -> CohortSummary:
        """Compare the ledger with the manifest."""
        return CohortSummary(self.states, tuple(sorted(self.ids - self.ledger.committed)), self.new, seconds)

    def _pending(self) -> Iterator[Cases]:
        for block in self.blocks:
            left = [case for case in self.plan.cases(block) if case["case_id"] not in self.ledger.committed]
            if left:
                yield left

    def _commit(self) -> None:
        rows = self.ledger.commit()
        self.new += len(rows)
        self.size += sum(row["bytes"] or 0 for row in rows)
        self.states.update(row["state"] for row in rows)
        self._say()

    def _say(self) -> None:
        self.said(CohortProgress(len(self.ids), self.states.copy(), self.new, self.size))


def _refused(case_id: str, reason: str) -> dict[str, Any]:
    return {"case_id": case_id, "state": "refused", "reason": f"by the manifest: {reason}"}


def _check_run(folder: Path, job: Job, fingerprint: str) -> None:
    """Keep ``folder`` to one model, one set of settings and one key.

    Raises:
        ValueError: it is of others, or holds something else.
    """
    wanted = {
        "fingerprint": fingerprint,
        "reports": sorted(job.reports),
        # what the key makes of nothing tells keys apart, and says nothing of a key
        "key": job.key.patient(""),
    }
    path = folder / RUN
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if any(each.name != RUN and not each.name.startswith(".") for each in folder.iterdir()):
            raise ValueError(f"{folder} holds no cohort and is not empty; give a new folder") from None
        write_object(wanted, path)
        return
    words = {
        "fingerprint": "other weights or settings (configs, --num-slices, --accept-any-input, --runtime or version)",
        "reports": "other reports",
        "key": "another case key",
    }
    other = [words[name] for name in wanted if found.get(name) != wanted[name]]
    if other:
        raise ValueError(f"{folder} is a cohort by {' and by '.join(other)}, and no run mixes them; give another OUT")
