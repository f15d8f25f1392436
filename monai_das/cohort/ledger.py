"""The ledger of a cohort: one row for each case, in Parquet parts that are written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from monai_das._atomic import atomic_path
from monai_das._optional import require
from monai_das.reports import file_lock

STATES = ("done", "refused", "failed", "crashed", "timeout")
FAILED = STATES[2:]
# of the rows that two runs on the same cases share; the others are timings and the process
FACTS = (
    "case_id", "result_id", "group", "state", "reason", "source", "label", "probabilities", "total_slices",
    "selected_slices", "warnings", "notices",
)  # fmt: skip


def schema() -> Any:
    """Return the columns of a ledger, a ``pyarrow.Schema``; seconds are wall time."""
    arrow = require("pyarrow", extra="ray")
    text, texts = arrow.string(), arrow.list_(arrow.string())
    chances = arrow.list_(arrow.struct([("name", text), ("probability", arrow.float64())]))
    kinds = {
        **dict.fromkeys(FACTS, text),
        "probabilities": chances,
        "total_slices": arrow.int32(),
        "selected_slices": arrow.list_(arrow.int32()),
        "warnings": texts,
        "notices": texts,
        "bytes": arrow.int64(),
        "seconds": arrow.float64(),
        "ended": arrow.timestamp("ms", tz="UTC"),
        "worker": text,
    }
    return arrow.schema(list(kinds.items()))


class Ledger:
    """The rows of a cohort in ``folder``.

    A worker writes the row of each case as a record of its own, by a name that follows from the case, so that a case
    that is done twice has one record. The driver of a shard, of which there is one at a time, gathers records into
    parts. A part is the commit. A record of a case that is in a part already is an echo, and is removed.

    Args:
        folder: of the cohort; made if missing.
        shard: name of the shard, such as ``"0-of-2"``.

    Attributes:
        committed: the cases that have a row.
    """

    def __init__(self, folder: Path, shard: str = "0-of-1") -> None:
        self.folder, self.shard = folder, shard
        self.parts, self.records = folder / "ledger", folder / "open" / shard
        for each in (self.parts, self.records):
            each.mkdir(parents=True, exist_ok=True)
        self.committed: set[str] = set(self.rows(["case_id"])["case_id"].to_pylist())

    def rows(self, columns: Iterable[str] | None = None) -> Any:
        """Return the committed rows, a ``pyarrow.Table``, in the order of their parts."""
        arrow, parquet = require("pyarrow", extra="ray"), require("pyarrow.parquet", extra="ray")
        names = None if columns is None else list(columns)
        shape = schema() if names is None else arrow.schema([schema().field(name) for name in names])
        found = [parquet.read_table(path, columns=names) for path in sorted(self.parts.glob("*.parquet"))]
        return arrow.concat_tables([shape.empty_table(), *found])

    def commit(self) -> list[dict[str, Any]]:
        """Gather the records into a part, and return its rows."""
        return self._commit(self.records)

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Commit ``rows`` as a part."""
        if rows:
            arrow = require("pyarrow", extra="ray")
            self.committed.update(row["case_id"] for row in rows)
            self._write(arrow.Table.from_pylist(rows, schema()), self.parts / f"part-{secrets.token_hex(8)}.parquet")

    def remove(self, states: Iterable[str]) -> int:
        """Take the rows with one of ``states`` out, so that their cases are done again; return their number."""
        arrow, compute = require("pyarrow", extra="ray"), require("pyarrow.compute", extra="ray")
        parquet, removed = require("pyarrow.parquet", extra="ray"), 0
        for path in sorted(self.parts.glob("*.parquet")):
            table = parquet.read_table(path)
            those = compute.is_in(table["state"], arrow.array(list(states)))
            kept = table.filter(compute.invert(those))
            removed += table.num_rows - kept.num_rows
            self.committed.difference_update(table.filter(those)["case_id"].to_pylist())
            if kept.num_rows == 0:
                path.unlink()
            elif kept.num_rows < table.num_rows:
                self._write(kept, path)
        return removed

    def take_over(self) -> None:
        """Commit what a run with another number of shards has left, unless one is at work.

        Raises:
            ValueError: such a run is at work.
        """
        for place in sorted((self.folder / "open").iterdir()):
            if place == self.records or place.name.split("-of-")[-1] == self.shard.split("-of-")[-1]:
                continue
            with locked(self.folder, place.name):
                self._commit(place)
                for each in place.iterdir():
                    each.replace(self.records / each.name)
                place.rmdir()

    def _commit(self, place: Path) -> list[dict[str, Any]]:
        paths = [path for path in sorted(place.glob("*.json")) if not path.name.startswith(".")]
        rows = [_from_json(path) for path in paths]
        new = [row for row in rows if row["case_id"] not in self.committed]
        self.write(new)
        for path in paths:
            path.unlink()
        return new

    @staticmethod
    def _write(table: Any, path: Path) -> None:
        with atomic_path(path) as temporary:
            require("pyarrow.parquet", extra="ray").write_table(table, temporary)
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())


def record_path(records: Path, case_id: str) -> Path:
    """Return the path of the record of a case in the folder ``records``."""
    return records / f"{hashlib.sha256(case_id.encode()).hexdigest()[:32]}.json"


def _from_json(path: Path) -> dict[str, Any]:
    from datetime import datetime

    row: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    row["ended"] = datetime.fromisoformat(row["ended"])
    return row


def locked(folder: Path, shard: str) -> AbstractContextManager[None]:
    """Keep ``shard`` of the cohort in ``folder`` for this process; the lock ends with the process.

    Raises:
        ValueError: another process has it.
    """
    words = f"shard {shard.replace('-of-', '/')} of {folder} is being done by another process"
    return file_lock(folder / f".{shard}.lock", lambda _: f"{words}; wait for it to end, or give another OUT")
